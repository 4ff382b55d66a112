using RobustTrain.Data;

namespace RobustTrain.Bench.Durability;

/// <summary>Pairs of noise, made in memory in no time, so that steps are all that is measured.</summary>
internal sealed class NoiseDataset(int count, int side) : IDataset
{
    public int Count => count;

    public IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new("image1", ElementType.Float32, [3, side, side]),
        new("image2", ElementType.Float32, [3, side, side]),
        new("label", ElementType.Int64, [side, side]),
    ];

    public string NameOf(int index) => $"noise {index}";

    public void Load(SampleKey key, SampleBuffer target)
    {
        target.Field<float>(0).Fill(0.1f * (key.Index % 7));
        target.Field<float>(1).Fill(0.1f * (key.Index % 5));
        Span<long> label = target.Field<long>(2);
        label.Clear();
        label[..(label.Length / 4)].Fill(1);
    }
}
