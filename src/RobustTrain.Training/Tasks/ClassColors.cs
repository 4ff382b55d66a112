namespace RobustTrain.Training.Tasks;

/// <summary>A colour for each class, as Pascal VOC numbers them: the bits of the class spread over red, green and blue, the highest first.</summary>
internal static class ClassColors
{
    /// <summary>Red, green and blue of a class; those of 0 are black.</summary>
    public static (byte Red, byte Green, byte Blue) Of(int c)
    {
        int red = 0, green = 0, blue = 0;
        for (int bit = 7; c > 0; bit--, c >>= 3)
        {
            red |= (c & 1) << bit;
            green |= ((c >> 1) & 1) << bit;
            blue |= ((c >> 2) & 1) << bit;
        }

        return ((byte)red, (byte)green, (byte)blue);
    }

    /// <summary>The palette of a class map.</summary>
    public static byte[] Palette(int classes) =>
        [.. Enumerable.Range(0, classes).Select(Of).SelectMany(color => (byte[])[color.Red, color.Green, color.Blue])];
}
