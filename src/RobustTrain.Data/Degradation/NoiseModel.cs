using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Degradation;

/// <summary>Adds noise to an image of values 0 to 1, which are cut off there afterwards (Wang et al., 2021, section 3.1).</summary>
public static class NoiseModel
{
    private static readonly double[] s_logFactorials = LogFactorials();

    /// <summary>Adds the noise of a sensor: normal, the same at every brightness.</summary>
    /// <param name="image">The image.</param>
    /// <param name="sigma">The standard deviation, of values 0 to 1.</param>
    /// <param name="isGrey">Whether all channels get the same.</param>
    /// <param name="random">The randomness.</param>
    public static void AddGaussian(FloatImage image, double sigma, bool isGrey, ref SampleRandom random)
    {
        int plane = image.Width * image.Height;
        Span<float> values = image.Values;
        int drawn = isGrey ? plane : values.Length;
        for (int at = 0; at < drawn; at += 2)
        {
            (float first, float second) = Normals(ref random);
            Add(at, (float)sigma * first, values);
            if (at + 1 < drawn)
                Add(at + 1, (float)sigma * second, values);
        }

        Clamp(values);

        void Add(int place, float noise, Span<float> to)
        {
            for (; place < to.Length; place += isGrey ? plane : to.Length)
                to[place] += noise;
        }
    }

    /// <summary>Adds the noise of few photons: the brighter, the stronger. A value counts as many as the image has values, rounded up to a power of two.</summary>
    /// <param name="image">The image.</param>
    /// <param name="scale">By what the noise is multiplied.</param>
    /// <param name="isGrey">Whether all channels get the noise of the grey image.</param>
    /// <param name="random">The randomness.</param>
    public static void AddPoisson(FloatImage image, double scale, bool isGrey, ref SampleRandom random)
    {
        int plane = image.Width * image.Height;
        Span<float> values = image.Values;
        bool isShared = isGrey && image.Channels == 3;
        int drawn = isGrey ? plane : values.Length;
        Span<bool> seen = stackalloc bool[256];
        seen.Clear();
        for (int at = 0; at < drawn; at++)
            seen[Level(values, at)] = true;
        double levels = Math.Pow(2, Math.Ceiling(Math.Log2(seen.Count(true))));
        for (int at = 0; at < drawn; at++)
        {
            double clean = Level(values, at) / 255.0;
            float noise = (float)(scale * ((Poisson(clean * levels, ref random) / levels) - clean));
            for (int place = at; place < values.Length; place += isGrey ? plane : values.Length)
                values[place] += noise;
        }

        Clamp(values);

        int Level(ReadOnlySpan<float> from, int at)
        {
            float value = isShared ? (0.2989f * from[at]) + (0.587f * from[plane + at]) + (0.114f * from[(2 * plane) + at]) : from[at];
            return (int)MathF.Round(Math.Clamp(value * 255, 0f, 255f));
        }
    }

    /// <summary>A Poisson deviate of a mean up to 256: by multiplication below 10, else by Hörmann's transformed rejection (PTRS, 1993).</summary>
    internal static int Poisson(double mean, ref SampleRandom random)
    {
        if (mean < 10)
        {
            double limit = Math.Exp(-mean);
            int count = 0;
            for (double product = random.NextDouble(); product > limit; product *= random.NextDouble())
                count++;
            return count;
        }

        double root = Math.Sqrt(mean);
        double b = 0.931 + (2.53 * root);
        double a = -0.059 + (0.02483 * b);
        double inverseAlpha = 1.1239 + (1.1328 / (b - 3.4));
        double vr = 0.9277 - (3.6224 / (b - 2));
        while (true)
        {
            double u = random.NextDouble() - 0.5;
            double v = random.NextDouble();
            double us = 0.5 - Math.Abs(u);
            double k = Math.Floor((((2 * a / us) + b) * u) + mean + 0.43);
            if (us >= 0.07 && v <= vr)
                return (int)k;
            if (k < 0 || k >= s_logFactorials.Length || (us < 0.013 && v > us))
                continue;
            if (Math.Log(v * inverseAlpha / ((a / (us * us)) + b)) <= (k * Math.Log(mean)) - mean - s_logFactorials[(int)k])
                return (int)k;
        }
    }

    // Both deviates of Box and Muller's pair.
    private static (float First, float Second) Normals(ref SampleRandom random)
    {
        double size = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
        (float sin, float cos) = MathF.SinCos((float)(2 * Math.PI * random.NextDouble()));
        return ((float)size * cos, (float)size * sin);
    }

    private static void Clamp(Span<float> values)
    {
        foreach (ref float value in values)
            value = Math.Clamp(value, 0f, 1f);
    }

    // A count beyond a thousand has no chance at a mean of 256.
    private static double[] LogFactorials()
    {
        double[] logs = new double[1024];
        for (int n = 1; n < logs.Length; n++)
            logs[n] = logs[n - 1] + Math.Log(n);
        return logs;
    }
}
