using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;
using Tensorboard;

namespace RobustTrain.Training.TensorBoard;

/// <summary>
/// A run's curves for TensorBoard: loss, learning rate, speed and waiting by step; mean loss and scores by epoch. A disk that refuses
/// ends the curves, with a warning, and not the training.
/// </summary>
/// <param name="folder">The run's <c>tensorboard</c> folder.</param>
/// <param name="warn">Is told, in one sentence, when the curves end early.</param>
public sealed class TensorBoardJournal(string folder, Action<string> warn) : IRunJournal, IDisposable
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

/// <summary>
/// One of TensorBoard's event files: messages of the type <c>Event</c>, which TorchSharp brings along, in TensorFlow's record format:
/// length, masked CRC of the length, bytes, masked CRC of the bytes. Nothing of this loads libtorch.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream _file;

    /// <summary>Creates a file under the name by which TensorBoard finds it.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public EventFile(string folder, DateTimeOffset now)
    {
        // The run's folder may have been deleted meanwhile, and is not made again.
        if (!Directory.Exists(Path.GetDirectoryName(folder)))
            throw new DirectoryNotFoundException($"The folder of '{folder}' is gone.");
        Directory.CreateDirectory(folder);
        string seconds = now.ToUnixTimeSeconds().ToString("D10", CultureInfo.InvariantCulture);
        _file = new FileStream(
            Path.Combine(folder, $"events.out.tfevents.{seconds}.{Environment.MachineName}.{Environment.ProcessId}"),
            FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        Write(now, new Event { FileVersion = "brain.Event:2" });
    }

    /// <summary>Writes scalars of one step.</summary>
    public void WriteScalars(DateTimeOffset time, long step, IEnumerable<KeyValuePair<string, double>> scalars)
    {
        Summary summary = new();
        summary.Value.AddRange(scalars.Select(scalar => new Summary.Types.Value { Tag = scalar.Key, SimpleValue = (float)scalar.Value }));
        Write(time, new Event { Step = step, Summary = summary });
    }

    /// <summary>Says that the run goes on at a step: what an earlier file has of that step and later ones is void.</summary>
    public void WriteRestart(DateTimeOffset time, long step) =>
        Write(time, new Event { Step = step, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // In one piece, so that a kill leaves at most one torn record at the end.
    private void Write(DateTimeOffset time, Event message)
    {
        const int lengthBytes = sizeof(ulong);
        const int crcBytes = sizeof(uint);
        message.WallTime = time.ToUnixTimeMilliseconds() / 1000.0;
        byte[] content = message.ToByteArray();
        byte[] record = new byte[lengthBytes + crcBytes + content.Length + crcBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(lengthBytes), MaskedCrc32C.Of(record.AsSpan(0, lengthBytes)));
        content.CopyTo(record.AsSpan(lengthBytes + crcBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(lengthBytes + crcBytes + content.Length), MaskedCrc32C.Of(content));
        _file.Write(record);
    }
}

/// <summary>The checksum of TensorFlow's record format: CRC-32C, rotated and offset so that a checksum of checksums stays good.</summary>
internal static class MaskedCrc32C
{
    private const uint MaskDelta = 0xa282ead8;

    /// <summary>The masked checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + MaskDelta;
    }
}
