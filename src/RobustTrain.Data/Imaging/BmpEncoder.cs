using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>Writes Windows bitmaps of 24 bits a pixel, rows from the bottom.</summary>
public static class BmpEncoder
{
    private const int HeaderBytes = 54;

    /// <summary>Encodes an image; grey becomes three equal channels.</summary>
    public static byte[] Encode(ImageBuffer image)
    {
        int stride = ((image.Width * 3) + 3) / 4 * 4;
        byte[] file = new byte[HeaderBytes + (stride * image.Height)];
        file[0] = (byte)'B';
        file[1] = (byte)'M';
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), image.Width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), image.Height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(34), stride * image.Height);
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> source = image.Row(y);
            Span<byte> row = file.AsSpan(HeaderBytes + ((image.Height - 1 - y) * stride), stride);
            for (int x = 0; x < image.Width; x++)
            {
                ReadOnlySpan<byte> pixel = source.Slice(x * image.Channels, image.Channels);
                row[x * 3] = pixel[^1];
                row[(x * 3) + 1] = pixel[pixel.Length / 2];
                row[(x * 3) + 2] = pixel[0];
            }
        }

        return file;
    }
}
