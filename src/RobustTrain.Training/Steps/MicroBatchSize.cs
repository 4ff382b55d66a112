using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Steps;

/// <summary>
/// How many samples are computed at once. It shrinks where memory is short, and stays so: batch normalisation sees the smaller part,
/// so a resumed training must use the same.
/// </summary>
internal sealed class MicroBatchSize : ICheckpointPart
{
    private const string StateKey = "samples_at_once";

    /// <summary>The samples; null while a whole batch fits.</summary>
    public int? Limit { get; private set; }

    /// <summary>Halves what is computed at once.</summary>
    /// <param name="batchSize">The samples of the batch that didn't fit.</param>
    /// <returns>False where it was one sample already.</returns>
    public bool TryHalve(int batchSize)
    {
        int current = Math.Min(Limit ?? batchSize, batchSize);
        if (current <= 1)
            return false;
        Limit = (current + 1) / 2;
        return true;
    }

    /// <summary>The parts of a batch, as first sample and number of samples; they differ in size by no more than one.</summary>
    public IEnumerable<(int Start, int Length)> Split(int batchSize)
    {
        int parts = Limit is int limit ? (batchSize + limit - 1) / limit : 1;
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
        if (Limit is int limit)
            draft.Set(StateKey, limit);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => Limit = archive.Find<int?>(StateKey);
}
