using System.Diagnostics.CodeAnalysis;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring;

/// <summary>Calls a source on its monitor's thread: whatever goes wrong in it becomes data, for thrown there it would end the operator's shell.</summary>
/// <typeparam name="T">A sample.</typeparam>
/// <param name="source">The source.</param>
/// <param name="clock">The clock.</param>
internal sealed class SourceCalls<T>(ISampleSource<T> source, TimeProvider clock)
    where T : class
{
    /// <summary>Takes a sample.</summary>
    /// <returns>The sample, or why there is none, and what the call cost.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Kept as the sample's error.")]
    public (T? Sample, string? Error, SampleCost Cost) Sample(SampleDetail detail)
    {
        long begin = clock.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan cpu = ThreadCpuClock.Now;
        T? sample = null;
        string? error = null;
        try
        {
            sample = source.Sample(detail);
        }
        catch (MonitorException failure)
        {
            error = failure.Message;
        }
        catch (Exception failure)
        {
            error = $"{source.Name} failed with {failure.GetType().Name}: {failure.Message}";
        }

        return (sample, error, new SampleCost(
            clock.GetElapsedTime(begin),
            ThreadCpuClock.Now - cpu,
            GC.GetAllocatedBytesForCurrentThread() - allocated));
    }

    /// <summary>Lets go of the source.</summary>
    /// <returns>What went wrong; null where nothing did.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Kept as the monitor's last error.")]
    public string? Close()
    {
        try
        {
            source.Dispose();
            return null;
        }
        catch (Exception failure)
        {
            return $"{source.Name} could not be closed: {failure.Message}";
        }
    }
}
