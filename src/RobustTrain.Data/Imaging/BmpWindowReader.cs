using System.Runtime.InteropServices;
using RobustTrain.Platform;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Reads a window of a bitmap without the rest of it: the rows that it crosses stand side by side in the file. For who may not keep
/// whole images. It keeps its buffer; one thread at a time.
/// </summary>
internal sealed unsafe class BmpWindowReader
{
    // The largest header with the largest palette: 14 + 1024 + 4 x 256, rounded up.
    private const int HeaderBytes = 4096;

    private byte[] _bytes = new byte[HeaderBytes];

    /// <summary>Reads a window.</summary>
    /// <param name="path">The file.</param>
    /// <param name="x">Its first column.</param>
    /// <param name="y">Its first row.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="target">Takes the pixels.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices, in one channel.</param>
    /// <returns>Whether the file is a bitmap that can be read like this, of 8 bits a pixel or more; if not, nothing was read.</returns>
    /// <exception cref="SampleException">The file can't be read, is damaged, or does not hold the window.</exception>
    public bool TryRead(string path, int x, int y, int width, int height, ImageBuffer target, bool keepIndices)
    {
        int descriptor = PosixFile.Open(path);
        if (descriptor < 0)
            throw new SampleException($"The file '{path}' {FileBytes.Reason(Marshal.GetLastPInvokeError())}.", path);
        try
        {
            byte* space = stackalloc byte[HeaderBytes];
            Span<byte> start = new(space, ReadAt(descriptor, space, HeaderBytes, 0, path));
            if (!start.StartsWith("BM"u8))
                return false;
            BmpHeader header = BmpHeader.Parse(start, path);
            if (header.BitsPerPixel < 8)
                return false;
            ImageInfo info = header.Info;
            if (x < 0 || y < 0 || x + width > info.Width || y + height > info.Height)
                throw new SampleException($"The BMP file '{path}' is {info}; the window of {width}x{height} pixels at ({x}, {y}) is not in it.", path);
            int length = checked(header.FileStride * height);
            if (_bytes.Length < length)
                _bytes = GC.AllocateUninitializedArray<byte>(length);
            long firstRow = header.IsTopDown ? y : info.Height - y - height;
            fixed (byte* rows = _bytes)
            {
                if (ReadAt(descriptor, rows, length, header.PixelOffset + (firstRow * header.FileStride), path) < length)
                    throw SampleException.OfFile($"The BMP file '{path}' is truncated: it ends within the window of {width}x{height} pixels at ({x}, {y}).", path);
            }

            bool indices = keepIndices && info.IsIndexed;
            target.SetSize(width, height, indices ? 1 : info.Channels);
            BmpDecoder.DecodeRows(_bytes.AsSpan(0, length), in header, path, x, target, indices);
            return true;
        }
        finally
        {
            PosixFile.Close(descriptor);
        }
    }

    private static int ReadAt(int descriptor, byte* target, int count, long offset, string path)
    {
        int done = 0;
        while (done < count)
        {
            nint read = PosixFile.ReadAt(descriptor, target + done, (nuint)(count - done), offset + done);
            if (read == 0)
                break;
            if (read > 0)
                done += (int)read;
            else if (Marshal.GetLastPInvokeError() != PosixError.Interrupted)
                throw new SampleException($"The file '{path}' {FileBytes.Reason(Marshal.GetLastPInvokeError())}.", path);
        }

        return done;
    }
}
