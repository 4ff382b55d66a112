using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>Smooth random numbers over the plane (value noise), from about -1 to 1, made of octaves of half the size each.</summary>
internal sealed class NoiseTexture
{
    private const int Side = 256;
    private readonly float[] _lattice = new float[Side * Side];

    public NoiseTexture(ref SampleRandom random)
    {
        for (int place = 0; place < _lattice.Length; place++)
            _lattice[place] = (float)random.NextDouble(-1, 1);
    }

    public float At(float x, float y, float size, int octaves)
    {
        float sum = 0;
        float weight = 1;
        float total = 0;
        for (int octave = 0; octave < octaves; octave++)
        {
            sum += weight * Single(x / size, y / size);
            total += weight;
            weight *= 0.55f;
            size *= 0.5f;
            x += 37.7f;
            y += 91.3f;
        }

        return sum / total;
    }

    private float Single(float x, float y)
    {
        int left = (int)MathF.Floor(x);
        int top = (int)MathF.Floor(y);
        float across = Smooth(x - left);
        float down = Smooth(y - top);
        float above = Lattice(left, top) + ((Lattice(left + 1, top) - Lattice(left, top)) * across);
        float below = Lattice(left, top + 1) + ((Lattice(left + 1, top + 1) - Lattice(left, top + 1)) * across);
        return above + ((below - above) * down);
    }

    private static float Smooth(float share) => share * share * (3 - (2 * share));

    private float Lattice(int x, int y) => _lattice[((y & (Side - 1)) * Side) + (x & (Side - 1))];
}
