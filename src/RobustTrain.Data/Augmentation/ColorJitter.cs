using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Augmentation;

/// <summary>
/// Brightness, contrast, saturation and hue as torchvision's <c>ColorJitter</c> defines them for float tensors: the four in random order,
/// values in 0..1 clamped after each, grey as 0.2989 R + 0.587 G + 0.114 B, hue in HSV.
/// </summary>
public static class ColorJitter
{
    private const float RedShare = 0.2989f;
    private const float GreenShare = 0.587f;
    private const float BlueShare = 0.114f;

    /// <summary>Whether the options change colours at all.</summary>
    public static bool IsNeeded(AugmentationOptions options) =>
        options.Brightness > 0 || options.Contrast > 0 || options.Saturation > 0 || options.Hue > 0;

    /// <summary>Draws factors and applies them in place.</summary>
    /// <param name="planes">Planes of values in 0..1: one (grey) or three (red, green, blue), one after the other.</param>
    /// <param name="channels">1 or 3; grey has no saturation and no hue.</param>
    /// <param name="options">The ranges of the factors.</param>
    /// <param name="random">The randomness; the same number of draws is taken whatever the ranges are.</param>
    public static void Apply(Span<float> planes, int channels, AugmentationOptions options, ref SampleRandom random)
    {
        Span<int> order = [0, 1, 2, 3];
        for (int last = order.Length - 1; last > 0; last--)
        {
            int other = random.NextInt(last + 1);
            (order[last], order[other]) = (order[other], order[last]);
        }

        float brightness = Factor(options.Brightness, ref random);
        float contrast = Factor(options.Contrast, ref random);
        float saturation = Factor(options.Saturation, ref random);
        float hue = (float)random.NextDouble(-options.Hue, options.Hue);
        if (options.ColorProbability < 1 && !random.NextBool(options.ColorProbability))
            return;
        foreach (int step in order)
        {
            switch (step)
            {
                case 0 when options.Brightness > 0:
                    AdjustBrightness(planes, brightness);
                    break;
                case 1 when options.Contrast > 0:
                    AdjustContrast(planes, channels, contrast);
                    break;
                case 2 when options.Saturation > 0 && channels == 3:
                    AdjustSaturation(planes, saturation);
                    break;
                case 3 when options.Hue > 0 && channels == 3:
                    AdjustHue(planes, hue);
                    break;
            }
        }
    }

    /// <summary>Multiplies values by a factor.</summary>
    public static void AdjustBrightness(Span<float> planes, float factor)
    {
        foreach (ref float value in planes)
            value = Math.Clamp(value * factor, 0f, 1f);
    }

    /// <summary>Moves values away from the image's mean grey (factor above 1) or towards it.</summary>
    public static void AdjustContrast(Span<float> planes, int channels, float factor)
    {
        int length = planes.Length / channels;
        double sum = 0;
        for (int pixel = 0; pixel < length; pixel++)
            sum += channels == 1 ? planes[pixel] : Grey(planes[pixel], planes[length + pixel], planes[(2 * length) + pixel]);
        float rest = (1 - factor) * (float)(sum / length);
        foreach (ref float value in planes)
            value = Math.Clamp((value * factor) + rest, 0f, 1f);
    }

    /// <summary>Moves colours away from their grey (factor above 1) or towards it.</summary>
    public static void AdjustSaturation(Span<float> planes, float factor)
    {
        int length = planes.Length / 3;
        Span<float> red = planes[..length];
        Span<float> green = planes.Slice(length, length);
        Span<float> blue = planes.Slice(2 * length, length);
        for (int pixel = 0; pixel < length; pixel++)
        {
            float rest = (1 - factor) * Grey(red[pixel], green[pixel], blue[pixel]);
            red[pixel] = Math.Clamp((red[pixel] * factor) + rest, 0f, 1f);
            green[pixel] = Math.Clamp((green[pixel] * factor) + rest, 0f, 1f);
            blue[pixel] = Math.Clamp((blue[pixel] * factor) + rest, 0f, 1f);
        }
    }

    /// <summary>Turns the hue by a share of the colour circle, from -0.5 to 0.5.</summary>
    public static void AdjustHue(Span<float> planes, float shift)
    {
        int length = planes.Length / 3;
        Span<float> red = planes[..length];
        Span<float> green = planes.Slice(length, length);
        Span<float> blue = planes.Slice(2 * length, length);
        for (int pixel = 0; pixel < length; pixel++)
            TurnHue(ref red[pixel], ref green[pixel], ref blue[pixel], shift);
    }

    private static float Grey(float red, float green, float blue) => (RedShare * red) + (GreenShare * green) + (BlueShare * blue);

    private static float Factor(double range, ref SampleRandom random) =>
        (float)random.NextDouble(Math.Max(0, 1 - range), 1 + range);

    private static void TurnHue(ref float red, ref float green, ref float blue, float shift)
    {
        float max = Math.Max(red, Math.Max(green, blue));
        float min = Math.Min(red, Math.Min(green, blue));
        float chroma = max - min;
        if (chroma == 0)
            return;

        float sector = max == red ? (green - blue) / chroma : max == green ? ((blue - red) / chroma) + 2 : ((red - green) / chroma) + 4;
        float hue = (sector / 6) + shift;
        hue -= MathF.Floor(hue);

        float scaled = hue * 6;
        float whole = MathF.Floor(scaled);
        float fraction = scaled - whole;
        float saturation = chroma / max;
        float low = Math.Clamp(max * (1 - saturation), 0f, 1f);
        float falling = Math.Clamp(max * (1 - (saturation * fraction)), 0f, 1f);
        float rising = Math.Clamp(max * (1 - (saturation * (1 - fraction))), 0f, 1f);
        (red, green, blue) = ((int)whole % 6) switch
        {
            0 => (max, rising, low),
            1 => (falling, max, low),
            2 => (low, max, rising),
            3 => (low, falling, max),
            4 => (rising, low, max),
            _ => (max, low, falling),
        };
    }
}
