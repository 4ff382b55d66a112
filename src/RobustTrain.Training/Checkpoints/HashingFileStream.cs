using System.Security.Cryptography;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Writes a new file, and knows its size and SHA-256 when it is complete.</summary>
internal sealed class HashingFileStream : Stream
{
    private const int PartBytes = 1 << 20;

    private readonly FileStream _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private readonly CancellationToken _abandoned;

    public HashingFileStream(string path, CancellationToken abandoned = default)
    {
        _abandoned = abandoned;
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _file.Length;

    public override long Position
    {
        get => _file.Position;
        set => throw new NotSupportedException();
    }

    /// <summary>Flushes the file to the disk.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public CheckpointFile Complete()
    {
        _file.Flush(flushToDisk: true);
        return new CheckpointFile(_file.Length, Convert.ToHexStringLower(_hash.GetCurrentHash()));
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        // A large tensor in parts that are still in the processor's cache when they are written.
        for (ReadOnlySpan<byte> rest = buffer; rest.Length > 0; rest = rest[Math.Min(rest.Length, PartBytes)..])
        {
            _abandoned.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> part = rest[..Math.Min(rest.Length, PartBytes)];
            _hash.AppendData(part);
            _file.Write(part);
        }
    }

    public override void Flush() => _file.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            _file.Dispose();
        }

        base.Dispose(disposing);
    }
}
