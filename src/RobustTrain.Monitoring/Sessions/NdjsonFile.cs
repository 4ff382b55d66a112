using System.Buffers;
using System.Text.Json;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sessions;

/// <summary>
/// A file to which records are appended, one JSON object a line. Used under one lock. Each write lands at the file's end, wherever that is by then:
/// lines of another writer are not overwritten, and a file that logrotate's copytruncate has emptied begins anew. On Windows a second writer is
/// refused instead.
/// </summary>
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
            var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0);
            try
            {
                if (!OperatingSystem.IsWindows())
                    PosixFile.AppendAlways(file.SafeFileHandle);
                return new NdjsonFile(file);
            }
            catch
            {
                file.Dispose();
                throw;
            }
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
    /// <exception cref="IOException">It could not be written.</exception>
    public void Write()
    {
        try
        {
            if (OperatingSystem.IsWindows())
                file.Write(lines.WrittenSpan);
            else
                PosixFile.Append(file.SafeFileHandle, lines.WrittenSpan);
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
