using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace RobustTrain.Host.TensorBoard;

/// <summary>
/// One of TensorBoard's event files: protocol buffers of the type <c>Event</c> (tensorflow/core/util/event.proto) in TensorFlow's
/// record format: length, masked CRC of the length, bytes, masked CRC of the bytes.
/// </summary>
internal sealed class EventFile : IDisposable
{
    // Field numbers of Event, Summary, Summary.Value and SessionLog.
    private const int WallTime = 1;
    private const int Step = 2;
    private const int FileVersion = 3;
    private const int SummaryField = 5;
    private const int SessionLogField = 7;
    private const int SummaryValue = 1;
    private const int ValueTag = 1;
    private const int ValueNumber = 2;
    private const int SessionStatus = 1;
    private const int SessionStart = 1;

    private readonly FileStream _file;

    /// <summary>Creates a file under the name by which TensorBoard finds it.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public EventFile(string folder, DateTimeOffset now)
    {
        // The run's folder may have been deleted meanwhile, and is not made again.
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(folder)))
            throw new DirectoryNotFoundException($"The folder of '{folder}' is gone.");
        Directory.CreateDirectory(folder);
        string seconds = now.ToUnixTimeSeconds().ToString("D10", CultureInfo.InvariantCulture);
        _file = new FileStream(
            System.IO.Path.Combine(folder, $"events.out.tfevents.{seconds}.{Environment.MachineName}.{Environment.ProcessId}"),
            FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        Write(now, message =>
        {
            message.WriteTag(FileVersion, WireFormat.WireType.LengthDelimited);
            message.WriteString("brain.Event:2");
        });
    }

    /// <summary>The file.</summary>
    public string Path => _file.Name;

    /// <summary>Writes scalars of one step.</summary>
    public void WriteScalars(DateTimeOffset time, long step, IEnumerable<KeyValuePair<string, double>> scalars)
    {
        byte[] summary = Message(message =>
        {
            foreach ((string tag, double value) in scalars)
                WriteBytes(message, SummaryValue, Scalar(tag, value));
        });
        Write(time, step, SummaryField, summary);
    }

    /// <summary>Says that the run goes on at a step: what an earlier file has of that step and later ones is void.</summary>
    public void WriteRestart(DateTimeOffset time, long step) => Write(time, step, SessionLogField, Message(message =>
    {
        message.WriteTag(SessionStatus, WireFormat.WireType.Varint);
        message.WriteEnum(SessionStart);
    }));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static byte[] Scalar(string tag, double value) => Message(message =>
    {
        WriteBytes(message, ValueTag, Encoding.UTF8.GetBytes(tag));
        message.WriteTag(ValueNumber, WireFormat.WireType.Fixed32);
        message.WriteFloat((float)value);
    });

    private void Write(DateTimeOffset time, long step, int field, byte[] content) => Write(time, message =>
    {
        message.WriteTag(Step, WireFormat.WireType.Varint);
        message.WriteInt64(step);
        WriteBytes(message, field, content);
    });

    private void Write(DateTimeOffset time, Action<CodedOutputStream> writeRest) => WriteRecord(Message(message =>
    {
        message.WriteTag(WallTime, WireFormat.WireType.Fixed64);
        message.WriteDouble(time.ToUnixTimeMilliseconds() / 1000.0);
        writeRest(message);
    }));

    private void WriteRecord(ReadOnlySpan<byte> content)
    {
        const int lengthBytes = sizeof(ulong);
        const int crcBytes = sizeof(uint);
        byte[] record = new byte[lengthBytes + crcBytes + content.Length + crcBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(lengthBytes), MaskedCrc32C.Of(record.AsSpan(0, lengthBytes)));
        content.CopyTo(record.AsSpan(lengthBytes + crcBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(lengthBytes + crcBytes + content.Length), MaskedCrc32C.Of(content));
        _file.Write(record);
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream bytes = new();
        using (CodedOutputStream message = new(bytes, leaveOpen: true))
            write(message);
        return bytes.ToArray();
    }

    private static void WriteBytes(CodedOutputStream message, int field, byte[] content)
    {
        message.WriteTag(field, WireFormat.WireType.LengthDelimited);
        message.WriteBytes(ByteString.CopyFrom(content));
    }
}
