namespace RobustTrain.Monitoring.Statistics;

/// <summary>Says which samples read the expensive values, so that these take no more than their share of the time, by what they were measured to cost.</summary>
/// <param name="interval">The time between samples.</param>
/// <param name="share">The share of the time that expensive values may take, 0 to 1.</param>
public sealed class ExpensiveCadence(TimeSpan interval, double share)
{
    /// <summary>Expensive values are never older than this.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private double cheap = double.NaN;
    private double expensive = double.NaN;
    private long remaining;

    /// <summary>How many samples lie between two full ones, at the costs measured so far.</summary>
    public long Period
    {
        get
        {
            long longest = Math.Max(1, (long)(Longest / interval));
            if (double.IsNaN(expensive))
                return 1;

            double extra = Math.Max(0, expensive - (double.IsNaN(cheap) ? 0 : cheap));
            return Math.Clamp((long)Math.Ceiling(extra / (share * interval.TotalMilliseconds)), 1, longest);
        }
    }

    /// <summary>What the next sample is to read. The first is full.</summary>
    public SampleDetail Next()
    {
        if (remaining > 0)
        {
            remaining--;
            return SampleDetail.Cheap;
        }

        // Until it is measured, a full sample is followed by a cheap one, so that both costs are known.
        remaining = double.IsNaN(expensive) ? 1 : Period - 1;
        return SampleDetail.Full;
    }

    /// <summary>Takes note of what a sample took.</summary>
    public void Measured(SampleDetail detail, TimeSpan elapsed)
    {
        ref double known = ref detail == SampleDetail.Full ? ref expensive : ref cheap;

        // The least, slowly forgotten: a sample that was interrupted by other work on a busy machine, or that also opened the source,
        // says nothing of what the next one costs.
        known = double.IsNaN(known) ? elapsed.TotalMilliseconds : Math.Min(elapsed.TotalMilliseconds, known * 1.05);
    }
}
