using RobustTrain.Data;

namespace RobustTrain.Tests.Training;

/// <summary>Pairs of noisy images of which the second has a bright square that the first lacks; the label marks it. Made in memory.</summary>
internal sealed class SquaresDataset(int count, int side = 16, int salt = 0) : IDataset
{
    public int Count => count;

    /// <summary>Tells datasets apart.</summary>
    public int Salt => salt;

    public IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new("image1", ElementType.Float32, [3, side, side]),
        new("image2", ElementType.Float32, [3, side, side]),
        new("label", ElementType.Int64, [side, side]),
    ];

    public IReadOnlyList<DatasetWarning> Warnings { get; init; } = [];

    /// <summary>Is called for each sample, with its key, before it is made.</summary>
    public Action<SampleKey>? OnLoad { get; init; }

    /// <summary>Is called when a sample is named, which a step does with each of its samples.</summary>
    public Action<int>? OnName { get; init; }

    /// <summary>The sample whose first image is NaN.</summary>
    public int? Poisoned { get; set; }

    /// <summary>Whether all samples are the same one.</summary>
    public bool IsUniform { get; init; }

    /// <summary>What stands in the label of the changed square.</summary>
    public long ChangedClass { get; init; } = 1;

    public string NameOf(int index)
    {
        OnName?.Invoke(index);
        return $"square {index}";
    }

    public void Load(SampleKey key, SampleBuffer target)
    {
        OnLoad?.Invoke(key);
        // Not HashCode, whose values differ from process to process.
        var random = new Random(unchecked(((IsUniform ? 0 : key.Index) * 7919) + (salt * 104729) + 17));
        var augmentation = new Random(IsUniform ? 0 : unchecked((int)((key.Seed * 31) + (key.Epoch * 1009) + key.Index)));
        Span<float> image1 = target.Field<float>(0);
        Span<float> image2 = target.Field<float>(1);
        Span<long> label = target.Field<long>(2);
        label.Clear();
        for (int i = 0; i < image1.Length; i++)
        {
            image1[i] = (float)(random.NextDouble() + (0.01 * augmentation.NextDouble()));
            image2[i] = (float)(random.NextDouble() + (0.01 * augmentation.NextDouble()));
        }

        int left = random.Next(side - 6);
        int top = random.Next(side - 6);
        for (int y = top; y < top + 6; y++)
        {
            for (int x = left; x < left + 6; x++)
            {
                label[(y * side) + x] = ChangedClass;
                for (int channel = 0; channel < 3; channel++)
                    image2[(((channel * side) + y) * side) + x] += 3;
            }
        }

        if (key.Index == Poisoned)
            image1.Fill(float.NaN);
    }
}
