using RobustTrain.Platform;
using RobustTrain.Runs.Events;
using RobustTrain.Runs;

namespace RobustTrain.Host.TensorBoard;

/// <summary>
/// A run's curves for TensorBoard: loss, learning rate, speed and waiting by step; mean loss and scores by epoch. A disk that refuses
/// ends the curves, with a warning, and not the training.
/// </summary>
/// <param name="folder">The run's <c>tensorboard</c> folder.</param>
/// <param name="warn">Is told, in one sentence, when the curves end early.</param>
internal sealed class TensorBoardJournal(string folder, Action<string> warn) : IRunJournal, IDisposable
{
    private readonly Lock _gate = new();
    private EventFile? _file;
    private bool _isResumed;
    private bool _isBroken;

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            if (_isBroken)
                return;
            try
            {
                Take(runEvent);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _isBroken = true;
                warn($"TensorBoard's curves end here, since '{folder}' can't be written: {StorageError.Describe(exception)}");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _file?.Dispose();
    }

    private void Take(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case RunStarted started:
                _isResumed = started.ResumedFromEpoch is not null;
                break;
            case StepFinished step:
                Restart(step);
                Write(step, step.GlobalStep, "train/", new()
                {
                    ["loss"] = step.Loss,
                    ["learning_rate"] = step.LearningRate,
                    ["samples_per_second"] = step.SamplesPerSecond,
                    ["data_wait_share"] = step.DataWaitShare,
                });
                break;
            case EpochFinished epoch:
                Write(epoch, epoch.Epoch, "epoch/", new() { ["train_loss"] = epoch.TrainLoss, ["duration_seconds"] = epoch.DurationSeconds });
                if (epoch.Scores is { } scores)
                    Write(epoch, epoch.Epoch, "val/", new(scores));
                break;
            case TestFinished test:
                Write(test, test.BestEpoch, "test/", new(test.Scores));
                break;
            default:
                break;
        }
    }

    private void Restart(StepFinished step)
    {
        if (_isResumed)
            Open(step).WriteRestart(step.Time, step.GlobalStep);
        _isResumed = false;
    }

    private void Write(RunEvent runEvent, long step, string prefix, Dictionary<string, double> scalars) =>
        Open(runEvent).WriteScalars(runEvent.Time, step, scalars.Select(scalar => KeyValuePair.Create(prefix + scalar.Key, scalar.Value)));

    private EventFile Open(RunEvent runEvent) => _file ??= new EventFile(folder, runEvent.Time);
}
