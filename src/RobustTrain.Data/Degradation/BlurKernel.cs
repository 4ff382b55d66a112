using System.Numerics;
using System.Runtime.InteropServices;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Degradation;

/// <summary>The kernels that Real-ESRGAN blurs by (Wang et al., 2021, section 3.1 and 3.4), square with an odd side, their values summing to 1.</summary>
public static class BlurKernel
{
    private const int SmallestSide = 7;
    private const int LargestSide = 21;

    /// <summary>The values of a Gaussian, generalised Gaussian or plateau kernel.</summary>
    /// <param name="side">The side, odd.</param>
    /// <param name="sigmaX">The standard deviation along the first axis, in pixels.</param>
    /// <param name="sigmaY">That along the second.</param>
    /// <param name="angle">By how much the axes are turned, in radians.</param>
    /// <param name="beta">The exponent of the quadratic form; 1 is a Gaussian's.</param>
    /// <param name="isPlateau">Whether it is 1 / (1 + form^beta) in place of exp(-form^beta / 2).</param>
    public static float[] Gaussian(int side, double sigmaX, double sigmaY, double angle, double beta, bool isPlateau)
    {
        (double sin, double cos) = Math.SinCos(angle);
        double[] values = new double[side * side];
        int middle = side / 2;
        for (int row = 0; row < side; row++)
        {
            for (int column = 0; column < side; column++)
            {
                double along = (((column - middle) * cos) + ((row - middle) * sin)) / sigmaX;
                double across = (((row - middle) * cos) - ((column - middle) * sin)) / sigmaY;
                double form = Math.Pow((along * along) + (across * across), beta);
                values[(row * side) + column] = isPlateau ? 1 / (1 + form) : Math.Exp(-0.5 * form);
            }
        }

        return Normalized(values);
    }

    /// <summary>A two-dimensional sinc filter, which rings: the ideal low-pass of a cut-off frequency, cut to a square.</summary>
    /// <param name="side">The side, odd.</param>
    /// <param name="cutoff">The cut-off in radians a pixel, up to pi.</param>
    public static float[] Sinc(int side, double cutoff)
    {
        double[] values = new double[side * side];
        int middle = side / 2;
        for (int row = 0; row < side; row++)
        {
            for (int column = 0; column < side; column++)
            {
                double radius = Math.Sqrt(((row - middle) * (row - middle)) + ((column - middle) * (column - middle)));
                values[(row * side) + column] = radius == 0 ? cutoff * cutoff / (4 * Math.PI) : cutoff * BesselJ1(cutoff * radius) / (2 * Math.PI * radius);
            }
        }

        return Normalized(values);
    }

    /// <summary>Draws the kernel of a round's blur.</summary>
    public static float[] Draw(DegradationRound round, ref SampleRandom random)
    {
        int side = DrawSide(ref random);
        if (random.NextBool(round.SincProbability))
            return Sinc(side, random.NextDouble(side < 13 ? Math.PI / 3 : Math.PI / 5, Math.PI));
        int kind = Choose(round.KernelProbabilities, ref random);
        double sigmaX = random.NextDouble(round.BlurSigma[0], round.BlurSigma[1]);
        double sigmaY = random.NextDouble(round.BlurSigma[0], round.BlurSigma[1]);
        double angle = random.NextDouble(-Math.PI, Math.PI);
        bool isFlatter = random.NextBool(0.5);
        double beta = kind switch
        {
            < 2 => 1,
            < 4 => isFlatter ? random.NextDouble(0.5, 1) : random.NextDouble(1, 4),
            _ => isFlatter ? 1 : random.NextDouble(1, 2),
        };
        bool isIsotropic = (kind & 1) == 0;
        return Gaussian(side, sigmaX, isIsotropic ? sigmaX : sigmaY, isIsotropic ? 0 : angle, beta, isPlateau: kind >= 4);
    }

    /// <summary>Draws the last sinc filter.</summary>
    public static float[] DrawFinalSinc(ref SampleRandom random) => Sinc(DrawSide(ref random), random.NextDouble(Math.PI / 3, Math.PI));

    /// <summary>Draws one of several by their weights.</summary>
    internal static int Choose(IReadOnlyList<double> weights, ref SampleRandom random)
    {
        double left = random.NextDouble() * weights.Sum();
        for (int place = 0; place < weights.Count; place++)
        {
            left -= weights[place];
            if (left < 0)
                return place;
        }

        return weights.Count - 1;
    }

    /// <summary>The Bessel function of the first kind and order 1, of 0 and more (Abramowitz and Stegun, 9.4.4 and 9.4.6), within 1e-7.</summary>
    internal static double BesselJ1(double x)
    {
        if (x <= 3)
        {
            double t = x * x / 9;
            return x * (0.5 + (t * (-0.56249985 + (t * (0.21093573 + (t * (-0.03954289 + (t * (0.00443319 + (t * (-0.00031761 + (t * 0.00001109))))))))))));
        }

        double u = 3 / x;
        double size = 0.79788456 + (u * (0.00000156 + (u * (0.01659667 + (u * (0.00017105 + (u * (-0.00249511 + (u * (0.00113653 + (u * -0.00020033)))))))))));
        double phase = x - 2.35619449 + (u * (0.12499612 + (u * (0.00005650 + (u * (-0.00637879 + (u * (0.00074348 + (u * (0.00079824 + (u * -0.00029166)))))))))));
        return size * Math.Cos(phase) / Math.Sqrt(x);
    }

    private static int DrawSide(ref SampleRandom random) => SmallestSide + (2 * random.NextInt(((LargestSide - SmallestSide) / 2) + 1));

    private static float[] Normalized(double[] values)
    {
        double sum = values.Sum();
        return [.. values.Select(value => (float)(value / sum))];
    }
}

/// <summary>Filters an image by a kernel; beyond its edges it is mirrored about its outermost pixels.</summary>
public sealed class PlaneFilter
{
    private readonly FloatImage _padded = new();

    /// <summary>Filters in place.</summary>
    /// <param name="image">The image.</param>
    /// <param name="kernel">The kernel, row by row, its side odd.</param>
    public void Apply(FloatImage image, ReadOnlySpan<float> kernel)
    {
        int side = (int)Math.Sqrt(kernel.Length);
        int reach = side / 2;
        Pad(image, reach);
        int lanes = Vector<float>.Count;
        for (int channel = 0; channel < image.Channels; channel++)
        {
            for (int y = 0; y < image.Height; y++)
            {
                Span<float> to = image.Row(channel, y);
                int x = 0;
                for (; x + (4 * lanes) <= to.Length; x += 4 * lanes)
                    SumFour(channel, y, x, side, kernel, to[x..]);
                for (; x < to.Length; x++)
                    to[x] = Sum(channel, y, x, side, kernel);
            }
        }
    }

    // Four vectors at once: the sums stay in registers while the kernel is gone through.
    private void SumFour(int channel, int y, int x, int side, ReadOnlySpan<float> kernel, Span<float> to)
    {
        nuint lanes = (nuint)Vector<float>.Count;
        Vector<float> first = Vector<float>.Zero;
        Vector<float> second = Vector<float>.Zero;
        Vector<float> third = Vector<float>.Zero;
        Vector<float> fourth = Vector<float>.Zero;
        for (int row = 0; row < side; row++)
        {
            ref float from = ref MemoryMarshal.GetReference(_padded.Row(channel, y + row)[x..]);
            for (int column = 0; column < side; column++)
            {
                Vector<float> weight = new(kernel[(row * side) + column]);
                first += Vector.LoadUnsafe(ref from, (nuint)column) * weight;
                second += Vector.LoadUnsafe(ref from, (nuint)column + lanes) * weight;
                third += Vector.LoadUnsafe(ref from, (nuint)column + (2 * lanes)) * weight;
                fourth += Vector.LoadUnsafe(ref from, (nuint)column + (3 * lanes)) * weight;
            }
        }

        ref float target = ref MemoryMarshal.GetReference(to);
        first.StoreUnsafe(ref target);
        second.StoreUnsafe(ref target, lanes);
        third.StoreUnsafe(ref target, 2 * lanes);
        fourth.StoreUnsafe(ref target, 3 * lanes);
    }

    private float Sum(int channel, int y, int x, int side, ReadOnlySpan<float> kernel)
    {
        float sum = 0;
        for (int row = 0; row < side; row++)
        {
            ReadOnlySpan<float> from = _padded.Row(channel, y + row).Slice(x, side);
            for (int column = 0; column < side; column++)
                sum += from[column] * kernel[(row * side) + column];
        }

        return sum;
    }

    private void Pad(FloatImage image, int reach)
    {
        _padded.SetSize(image.Width + (2 * reach), image.Height + (2 * reach), image.Channels);
        for (int channel = 0; channel < image.Channels; channel++)
        {
            for (int y = 0; y < _padded.Height; y++)
            {
                ReadOnlySpan<float> from = image.Row(channel, Mirror(y - reach, image.Height));
                Span<float> to = _padded.Row(channel, y);
                from.CopyTo(to[reach..]);
                for (int x = 1; x <= reach; x++)
                {
                    to[reach - x] = from[Mirror(-x, from.Length)];
                    to[reach + from.Length - 1 + x] = from[Mirror(from.Length - 1 + x, from.Length)];
                }
            }
        }
    }

    /// <summary>The place within an image that stands for one beyond it.</summary>
    internal static int Mirror(int place, int length)
    {
        if (length == 1)
            return 0;
        int period = 2 * (length - 1);
        int around = ((place % period) + period) % period;
        return around < length ? around : period - around;
    }
}
