using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Native;

namespace RobustTrain.Training.Steps;

/// <summary>
/// How many samples are computed at once. It shrinks where memory is short, and stays so: batch normalisation sees the smaller part,
/// so a resumed training must use the same.
/// </summary>
/// <param name="limit">The samples to begin with; null begins with whole batches.</param>
internal sealed class MicroBatchSize(int? limit = null) : ICheckpointState
{
    private const string StateKey = "samples_at_once";

    /// <summary>The samples; null while a whole batch fits.</summary>
    public int? Limit { get; private set; } = limit;

    /// <summary>Halves what is computed at once, where the policy is to.</summary>
    /// <param name="config">The policy.</param>
    /// <param name="batchSize">The samples of the batch that didn't fit.</param>
    /// <param name="where">The step, for people.</param>
    /// <param name="cause">What torch reported.</param>
    /// <returns>The samples that are computed at once from now on.</returns>
    /// <exception cref="RunException">The policy is to fail, or it was one sample already.</exception>
    public int Halve(NumericsConfig config, int batchSize, string where, Exception cause)
    {
        if (config.OnOutOfMemory != "split")
            throw TorchFailure.OutOfMemory($"{where} with {Counted.Of(Limit ?? batchSize, "sample")} at once; make loader.batch_size or data.crop_size smaller, or set numerics.on_out_of_memory: split", cause);
        int current = Math.Min(Limit ?? batchSize, batchSize);
        if (current <= 1)
            throw TorchFailure.OutOfMemory($"even one sample at once in {where}; make data.crop_size or model.base_channels smaller", cause);
        Limit = (current + 1) / 2;
        return Limit.Value;
    }

    /// <summary>The parts of a batch, as first sample and number of samples; they differ in size by no more than one.</summary>
    public IEnumerable<(int Start, int Length)> Split(int batchSize)
    {
        int parts = Limit is int most ? (batchSize + most - 1) / most : 1;
        int start = 0;
        for (int part = 0; part < parts; part++)
        {
            int length = (batchSize - start) / (parts - part);
            yield return (start, length);
            start += length;
        }
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (Limit is int samples)
            draft.Set(StateKey, samples);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => Limit = archive.Find<int?>(StateKey) ?? Limit;
}
