using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>What the bytes of a label mean.</summary>
internal sealed class LabelClasses
{
    private const byte BinaryMask = 255;

    private readonly short[] _classOf = new short[256];
    private readonly int _classes;

    // The byte that passes without being a class; 0 where there is none.
    private readonly byte _ignored;

    public LabelClasses(int classes, int? ignoreIndex)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, 256);
        _classes = classes;
        Array.Fill(_classOf, (short)-1);
        for (int value = 0; value < classes; value++)
            _classOf[value] = (short)value;
        if (classes == 2)
            _classOf[BinaryMask] = 1;
        if (ignoreIndex is >= 0 and <= 255 && ignoreIndex >= classes && _classOf[ignoreIndex.Value] < 0)
            _classOf[_ignored = (byte)ignoreIndex.Value] = (short)ignoreIndex.Value;
    }

    /// <summary>How many classes there are.</summary>
    public int Number => _classes;

    /// <summary>Decodes a label: one channel, or three equal ones; the indices of a palette where they are the classes.</summary>
    public static void Decode(ImageReader reader, string path, ImageBuffer target, bool indices)
    {
        reader.Decode(path, target, keepIndices: indices);
        ToOneChannel(target, path);
    }

    /// <summary>Gives a label as <see cref="Decode"/> does, from the reader's cache where it is there.</summary>
    /// <returns>The label, which nobody may change: <paramref name="target"/>, or the cache's own.</returns>
    public static ImageBuffer Read(ImageReader reader, string path, ImageBuffer target, bool indices)
    {
        ImageBuffer label = reader.Read(path, target, keepIndices: indices);
        if (label.Channels > 1 && label != target)
        {
            target.SetSize(label.Width, label.Height, label.Channels);
            label.Pixels.CopyTo(target.Pixels);
            label = target;
        }

        ToOneChannel(label, path);
        return label;
    }

    /// <summary>Makes one channel of three equal ones.</summary>
    /// <exception cref="SampleException">They are not equal.</exception>
    public static void ToOneChannel(ImageBuffer target, string path)
    {
        if (target.Channels == 1)
            return;

        Span<byte> pixels = target.Pixels;
        int count = target.Width * target.Height;
        for (int pixel = 0; pixel < count; pixel++)
        {
            byte value = pixels[pixel * 3];
            if (pixels[(pixel * 3) + 1] != value || pixels[(pixel * 3) + 2] != value)
            {
                throw new SampleException(
                    $"The label '{path}' has colours, at pixel ({pixel % target.Width}, {pixel / target.Width}); expected grey values that are class numbers.",
                    path);
            }

            // The write never overtakes the reads: one byte for three.
            pixels[pixel] = value;
        }

        target.SetSize(target.Width, target.Height, 1);
    }

    public void Write(ImageBuffer label, PixelWindow window, Span<long> target, string path)
    {
        CheckMask(label, path);
        int bad = SampleWriter.WriteLabel(label, window, _classOf, target);
        if (bad >= 0)
            throw BadValue(path, $"value {bad}");
    }

    /// <summary>Adds the pixels of each class within a window.</summary>
    public void Count(ImageBuffer label, PixelWindow window, long[] counts, string path)
    {
        CheckMask(label, path);
        for (int y = window.Y; y < window.Y + window.Height; y++)
        {
            foreach (byte value in label.Row(y).Slice(window.X, window.Width))
            {
                int number = _classOf[value];
                if (number < 0)
                    throw BadValues(path, label.Pixels);
                if (number < _classes)
                    counts[number]++;
            }
        }
    }

    /// <summary>The first pixel of a row whose class is above 0.</summary>
    /// <returns>Its column, or -1.</returns>
    public int IndexOfChange(ReadOnlySpan<byte> row, int from)
    {
        int found = row[from..].IndexOfAnyExcept((byte)0, _ignored);
        return found < 0 ? -1 : from + found;
    }

    /// <summary>Checks what only the whole label tells.</summary>
    /// <exception cref="SampleException">It mixes two ways to write two classes.</exception>
    public void CheckMask(ImageBuffer label, string path)
    {
        if (_classes == 2 && label.Pixels.Contains((byte)1) && label.Pixels.Contains(BinaryMask))
            throw new SampleException($"The label '{path}' has both 1 and 255; expected 0 and 1, or 0 and 255.", path);
    }

    private SampleException BadValues(string path, ReadOnlySpan<byte> pixels)
    {
        SortedSet<byte> bad = [];
        foreach (byte value in pixels)
        {
            if (_classOf[value] < 0)
                bad.Add(value);
        }

        return BadValue(path, bad.Count == 1 ? $"value {bad.Min}" : $"values {string.Join(", ", bad)}");
    }

    private SampleException BadValue(string path, string what)
    {
        string classes = _classes == 2 ? "0 and 1, or 0 and 255" : $"0 to {_classes - 1}";
        string expected = _ignored > 0 ? $"{classes}, or {_ignored} to ignore" : classes;
        return new SampleException($"The label '{path}' has the {what}, beyond the {_classes} classes; expected {expected}.", path);
    }
}
