using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Steps;

namespace RobustTrain.Training.Epochs;

/// <summary>Measures how fast an epoch goes and how long it waits for data, and reports steps to the journal now and then.</summary>
/// <param name="journal">Takes a step event at most once an interval.</param>
/// <param name="interval">The shortest time between two step events.</param>
/// <param name="batches">The batches of a step.</param>
/// <param name="time">The clock.</param>
internal sealed class EpochMeter(IRunJournal journal, TimeSpan interval, int batches, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();
    private readonly Throttle _throttle = new(interval, time);
    private long _batchBegan;
    private long _windowStarted = time.GetTimestamp();
    private TimeSpan _windowWaited;
    private long _windowSamples;
    private TimeSpan _waited;
    private TimeSpan _trained;
    private long _samples;

    /// <summary>Seconds since the epoch began, in this process.</summary>
    public double DurationSeconds => time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Training samples a second.</summary>
    public double SamplesPerSecond => Rate(_samples, _trained);

    /// <summary>The share of training time that waited for data, 0 to 1.</summary>
    public double DataWaitShare => Share(_waited, _trained);

    /// <summary>How long the training has waited for data.</summary>
    public double WaitSeconds => _waited.TotalSeconds;

    /// <summary>A batch is asked for.</summary>
    public void BeginBatch() => _batchBegan = time.GetTimestamp();

    /// <summary>It is there: until now the training has waited.</summary>
    public void EndWait()
    {
        TimeSpan waited = time.GetElapsedTime(_batchBegan);
        _waited += waited;
        _windowWaited += waited;
    }

    /// <summary>It has been trained on.</summary>
    public void EndBatch() => _trained += time.GetElapsedTime(_batchBegan);

    /// <summary>Takes note of a step.</summary>
    public void Add(TrainingCursor before, StepResult step)
    {
        _samples += step.Samples;
        _windowSamples += step.Samples;
        if (!_throttle.IsDue())
            return;

        TimeSpan window = time.GetElapsedTime(_windowStarted);
        journal.Write(new StepFinished(
            before.Epoch, before.Batch / batches, before.GlobalStep, step.Loss, step.LearningRate, Rate(_windowSamples, window), Share(_windowWaited, window))
        { EpochWaitSeconds = WaitSeconds });
        _windowStarted = time.GetTimestamp();
        _windowWaited = TimeSpan.Zero;
        _windowSamples = 0;
    }

    private static double Rate(long count, TimeSpan duration) => duration > TimeSpan.Zero ? count / duration.TotalSeconds : 0;

    private static double Share(TimeSpan part, TimeSpan whole) => whole > TimeSpan.Zero ? Math.Min(1, part / whole) : 0;
}
