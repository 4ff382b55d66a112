namespace RobustTrain.Data.Loading.Ring;

/// <summary>
/// The state of one sample in a slot, as a number that is only ever changed by compare-and-swap, so that a worker may be killed
/// between any two instructions: 0 is pending, above 0 is final, below 0 says who has it.
/// </summary>
internal static class SampleStatus
{
    /// <summary>Waits for a worker.</summary>
    public const int Pending = 0;

    /// <summary>Will not be delivered: the ledger says why.</summary>
    public const int Skipped = int.MaxValue;

    /// <summary>Nobody waits for it any more.</summary>
    public const int Cancelled = int.MaxValue - 1;

    /// <summary>Not to be claimed, because its slot changes its memory.</summary>
    public const int Held = int.MinValue;

    private const int FailedBase = -0x1000_0000;
    private const int RetryBase = -0x2000_0000;

    public static int Claimed(int worker) => -1 - worker;

    public static int Done(int worker) => 1 + worker;

    public static int Failed(int worker) => FailedBase - 1 - worker;

    /// <summary>Waits for another worker than the one at which it failed, unless there is no other.</summary>
    public static int RetryNotBy(int worker) => RetryBase - 1 - worker;

    public static bool IsFinal(int status) => status > 0;

    public static bool IsDone(int status, out int worker)
    {
        worker = status - 1;
        return status is > 0 and < Cancelled;
    }

    public static bool IsClaimed(int status, out int worker)
    {
        worker = -1 - status;
        return status is < 0 and > FailedBase;
    }

    public static bool IsRetry(int status, out int exceptWorker)
    {
        exceptWorker = RetryBase - 1 - status;
        return status < RetryBase && status != Held;
    }
}
