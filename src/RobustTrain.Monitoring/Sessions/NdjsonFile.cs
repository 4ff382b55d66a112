using System.Buffers;
using System.Text.Json;

namespace RobustTrain.Monitoring.Sessions;

/// <summary>A file to which records are appended, one JSON object a line. Used under one lock.</summary>
internal sealed class NdjsonFile : IDisposable
{
    private readonly FileStream file;
    private readonly ArrayBufferWriter<byte> lines = new(16 * 1024);
    private readonly Utf8JsonWriter json;

    private NdjsonFile(FileStream file)
    {
        this.file = file;
        json = new Utf8JsonWriter(lines);
    }

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="MonitorException">It cannot be written.</exception>
    public static NdjsonFile Open(string path)
    {
        try
        {
            return new NdjsonFile(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0));
        }
        catch (DirectoryNotFoundException failure)
        {
            throw new MonitorException("OutputFolderNotFound", $"The output file {path} cannot be made: its folder does not exist.", path, failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new MonitorException("OutputNotWritable", $"The output file {path} cannot be written: {failure.Message}", path, failure);
        }
    }

    /// <summary>Adds a record to what is written next.</summary>
    public void Add(MonitorRecord record)
    {
        json.Reset();
        JsonSerializer.Serialize(json, record, MonitorJson.Default.MonitorRecord);
        json.Flush();
        lines.Write("\n"u8);
    }

    /// <summary>Writes what was added, whole lines in one write.</summary>
    public void Write()
    {
        try
        {
            file.Write(lines.WrittenSpan);
        }
        finally
        {
            lines.ResetWrittenCount();
        }
    }

    public void Dispose()
    {
        json.Dispose();
        file.Dispose();
    }
}
