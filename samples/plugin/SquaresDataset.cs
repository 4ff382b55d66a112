using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Ordering;

namespace Squares;

/// <summary>Noise in which a square gets brighter between two dates: a dataset that needs no file.</summary>
/// <param name="side">The images' side in pixels.</param>
/// <param name="split">The split, whose noise and squares are its own.</param>
internal sealed class SquaresDataset(int side, DatasetSplit split) : IDataset
{
    private const int Channels = 3;

    public int Count => split == DatasetSplit.Train ? 64 : 16;

    public IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new FieldSpec("image1", ElementType.Float32, [Channels, side, side]),
        new FieldSpec("image2", ElementType.Float32, [Channels, side, side]),
        new FieldSpec("label", ElementType.Int64, [side, side]),
    ];

    public string NameOf(int index) => $"square {index}";

    public void Load(SampleKey key, SampleBuffer target)
    {
        // Random numbers come from the key alone: the same sample for any number of workers, and after a restart. Validation and test never change.
        SampleRandom random = new(split == DatasetSplit.Train ? key : new SampleKey((long)split, 0, key.Index));
        int edge = side / 3;
        int top = random.NextInt(side - edge);
        int left = random.NextInt(side - edge);
        Span<float> image1 = target.Field<float>(0);
        Span<float> image2 = target.Field<float>(1);
        Span<long> label = target.Field<long>(2);
        for (int pixel = 0; pixel < side * side; pixel++)
        {
            (int y, int x) = (pixel / side, pixel % side);
            bool changed = y >= top && y < top + edge && x >= left && x < left + edge;
            label[pixel] = changed ? 1 : 0;
            for (int channel = 0; channel < Channels; channel++)
            {
                image1[(channel * side * side) + pixel] = (float)random.NextDouble(-1, 1);
                image2[(channel * side * side) + pixel] = (float)random.NextDouble(-1, 1) + (changed ? 1.5f : 0);
            }
        }
    }
}
