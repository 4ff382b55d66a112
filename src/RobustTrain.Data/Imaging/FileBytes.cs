using System.Runtime.InteropServices;
using RobustTrain.Platform;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// A file's bytes in a buffer that is kept from file to file. On Unix the system calls are made directly:
/// the framework's handles cost an allocation and a finalizer for each sample.
/// </summary>
internal sealed class FileBytes
{
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(64 * 1024);
    private int _length;

    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, _length);

    /// <summary>Reads the first <paramref name="limit"/> bytes of a file, or all of it.</summary>
    /// <exception cref="SampleException">It does not exist, is no file or can't be read.</exception>
    public void Read(string path, int limit = int.MaxValue)
    {
        _length = 0;
        if (OperatingSystem.IsWindows())
            ReadByFramework(path, limit);
        else
            ReadBySystemCalls(path, limit);
    }

    private static SampleException Fail(string path, string reason, Exception? cause = null) =>
        new($"The file '{path}' {reason}.", path, cause);

    /// <summary>Why a system call on a file failed, as the end of a sentence.</summary>
    internal static string Reason(int error) => error switch
    {
        PosixError.NotFound or PosixError.NotAFolder => "does not exist",
        PosixError.AccessDenied or PosixError.NotPermitted => "can't be read: permission denied",
        PosixError.IsAFolder => "is a folder and not a file",
        PosixError.NoPlaceInIt => "is a pipe and not a file",
        PosixError.NoSuchDevice => "is a socket or a device and not a file",
        _ => $"can't be read: {Marshal.GetPInvokeErrorMessage(error)}",
    };

    private unsafe void ReadBySystemCalls(string path, int limit)
    {
        int descriptor = PosixFile.Open(path);
        if (descriptor < 0)
            throw Fail(path, Reason(Marshal.GetLastPInvokeError()));
        try
        {
            while (_length < limit)
            {
                if (_length == _buffer.Length)
                    Grow(path);
                nint read;
                fixed (byte* start = _buffer)
                    read = PosixFile.ReadAt(descriptor, start + _length, (nuint)Math.Min(_buffer.Length - _length, limit - _length), _length);
                if (read < 0)
                {
                    int error = Marshal.GetLastPInvokeError();
                    if (error == PosixError.Interrupted)
                        continue;
                    throw Fail(path, Reason(error));
                }

                if (read == 0)
                    return;
                _length += (int)read;
            }
        }
        finally
        {
            PosixFile.Close(descriptor);
        }
    }

    private void ReadByFramework(string path, int limit)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            int read;
            do
            {
                if (_length == _buffer.Length)
                    Grow(path);
                read = file.Read(_buffer, _length, Math.Min(_buffer.Length - _length, limit - _length));
                _length += read;
            }
            while (read > 0);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fail(path, "does not exist", exception);
        }
        catch (UnauthorizedAccessException exception) when (Directory.Exists(path))
        {
            throw Fail(path, "is a folder and not a file", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Fail(path, $"can't be read: {exception.Message}", exception);
        }
    }

    private void Grow(string path)
    {
        if (_buffer.Length == Array.MaxLength)
            throw Fail(path, "is larger than 2 GiB");
        byte[] larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(2L * _buffer.Length, Array.MaxLength));
        Span.CopyTo(larger);
        _buffer = larger;
    }
}
