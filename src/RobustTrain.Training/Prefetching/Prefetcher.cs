using System.Runtime.ExceptionServices;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Training.Native;
using RobustTrain.Training.Steps;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Prefetching;

/// <summary>
/// Brings batches to the device. Without a lane they stay where the loader has decoded them, and the step makes tensors over that memory
/// (on a GPU it copies them, and waits for that); with one, the next batch is copied beside the step of the present one.
/// </summary>
/// <param name="lane">Copies beside the step; null for none.</param>
/// <param name="channelsLast">Whether images are laid out with the channels last on the device.</param>
internal sealed class Prefetcher(ICopyLane? lane, bool channelsLast = false) : IDisposable
{
    /// <summary>Checks that the mode fits the device.</summary>
    /// <exception cref="RunException">It does not.</exception>
    public static void Check(LoaderConfig config, Device device)
    {
        if (config.PrefetchMode == "cuda" && device.type != DeviceType.CUDA)
            throw new RunException(ExitCode.Configuration, "PrefetchModeNeedsCuda", $"loader.prefetch_mode is cuda, but the device is {device}; use cpu, or leave it out.", "loader.prefetch_mode");
        if (config.ChannelsLast && Mode(config, device) != "cuda")
            throw new RunException(ExitCode.Configuration, "ChannelsLastNeedsCuda", $"loader.channels_last is true, but batches are prefetched for {device} without a copy; leave it out.", "loader.channels_last");
    }

    /// <summary>The prefetcher that the configuration asks for.</summary>
    public static Prefetcher Create(LoaderConfig config, Device device) =>
        new(Mode(config, device) == "cuda" ? new CudaCopyLane(device, device.index) : null, config.ChannelsLast);

    /// <summary>The batches in their order, on the device or on their way to it.</summary>
    /// <param name="batches">The batches as they are loaded.</param>
    /// <param name="ledger">The loader's account.</param>
    public IEnumerable<IBatch> Ahead(IEnumerable<IBatch> batches, Func<EpochLedger> ledger) => lane is null ? batches : CopyAhead(lane, batches, ledger);

    /// <summary>The loader's account up to a batch.</summary>
    public static EpochLedger LedgerAfter(IBatch batch, EpochStream stream) => batch is DeviceBatch ahead ? ahead.Ledger : stream.Ledger;

    /// <inheritdoc/>
    public void Dispose() => lane?.Dispose();

    private static string Mode(LoaderConfig config, Device device) =>
        config.PrefetchMode ?? (device.type == DeviceType.CUDA ? "cuda" : "cpu");

    private IEnumerable<IBatch> CopyAhead(ICopyLane lane, IEnumerable<IBatch> batches, Func<EpochLedger> ledger)
    {
        using IEnumerator<IBatch> source = batches.GetEnumerator();
        DeviceBatch? next = Begin(lane, source, ledger);
        try
        {
            while (next is not null)
            {
                lane.Await();
                DeviceBatch present = next;
                if (channelsLast)
                    present.LayChannelsLast();
                next = null;
                Exception? failure = null;
                try
                {
                    next = Begin(lane, source, ledger);
                }
                catch (Exception exception)
                {
                    // Whatever is wrong with the next batch, the present one is trained on first, as without a lane.
                    failure = exception;
                }

                yield return present;
                if (failure is not null)
                    ExceptionDispatchInfo.Throw(failure);
            }
        }
        finally
        {
            // Memory that is still being copied to must not be given to anything else.
            if (next is not null)
            {
                using (next)
                    lane.Await();
            }
        }
    }

    private static DeviceBatch? Begin(ICopyLane lane, IEnumerator<IBatch> source, Func<EpochLedger> ledger)
    {
        if (!source.MoveNext())
            return null;
        using IBatch batch = source.Current;
        return new DeviceBatch(batch, lane.Begin(batch), ledger());
    }
}
