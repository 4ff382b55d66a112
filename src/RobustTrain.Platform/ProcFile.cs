using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Platform;

/// <summary>A file of <c>/proc</c> or <c>/sys</c>, kept open: read from its beginning it shows the present values each time. Used from one thread.</summary>
public sealed class ProcFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private byte[] _buffer;

    private ProcFile(SafeFileHandle file, string path, int size)
    {
        _file = file;
        _path = path;
        _buffer = new byte[size];
    }

    /// <summary>Opens the file, or returns null where this kernel does not have it or does not serve it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="size">How long its text is expected to be; more is read too.</param>
    public static ProcFile? TryOpen(string path, int size = 4096)
    {
        ProcFile? opened = null;
        try
        {
            if (!File.Exists(path))
                return null;

            opened = new ProcFile(File.OpenHandle(path), path, size);

            // Pressure files exist, but can't be read, where the kernel was booted with psi=0.
            opened.Read();
            return opened;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            opened?.Dispose();
            return null;
        }
    }

    /// <summary>The text now; valid until the next call.</summary>
    /// <exception cref="IOException">It can no longer be read: what it told of is gone.</exception>
    public ReadOnlySpan<byte> Read()
    {
        int length = 0;
        while (true)
        {
            int asked = _buffer.Length - length;
            int read = Read(length, asked);
            length += read;

            // The kernel makes the whole text at once, so that less than was asked for is the end.
            if (read < asked)
                return new ReadOnlySpan<byte>(_buffer, 0, length);

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    // By the system call itself: .NET's own way costs more than the kernel's part of a tick, and is compiled anew twice while it gets hot.
    private unsafe int Read(int offset, int count)
    {
        if (OperatingSystem.IsWindows())
            return RandomAccess.Read(_file, _buffer.AsSpan(offset, count), offset);

        fixed (byte* start = _buffer)
        {
            while (true)
            {
                nint read = Libc.ReadAt((int)_file.DangerousGetHandle(), start + offset, (nuint)count, offset);
                if (read >= 0)
                    return (int)read;

                int error = Marshal.GetLastPInvokeError();
                if (error != PosixError.Interrupted)
                    throw new IOException($"{_path} cannot be read: {Marshal.GetPInvokeErrorMessage(error)}.");
            }
        }
    }
}
