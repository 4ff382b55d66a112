using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Monitoring.Cpu;

/// <summary>A file of <c>/proc</c>, kept open: read from its beginning it shows the present values each time.</summary>
internal sealed class ProcFile : IDisposable
{
    private readonly SafeFileHandle file;
    private byte[] buffer = new byte[4096];

    private ProcFile(SafeFileHandle file) => this.file = file;

    /// <summary>Opens the file, or returns null where this kernel does not have it or does not serve it.</summary>
    public static ProcFile? TryOpen(string path)
    {
        try
        {
            if (!File.Exists(path))
                return null;

            var opened = new ProcFile(File.OpenHandle(path));

            // Pressure files exist, but can't be read, where the kernel was booted with psi=0.
            opened.Read();
            return opened;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The text now; valid until the next call.</summary>
    public ReadOnlySpan<byte> Read()
    {
        int length = 0;
        while (true)
        {
            int read = RandomAccess.Read(file, buffer.AsSpan(length), length);
            length += read;
            if (read == 0)
                return buffer.AsSpan(0, length);

            if (length == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
        }
    }

    public void Dispose() => file.Dispose();
}
