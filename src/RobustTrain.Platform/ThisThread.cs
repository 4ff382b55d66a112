namespace RobustTrain.Platform;

/// <summary>What a system lets a thread do with itself beyond .NET.</summary>
public static unsafe class ThisThread
{
    private const long NapNanoseconds = 100_000;

    /// <summary>Sleeps for about a tenth of a millisecond where the system can, else for the shortest time that it knows.</summary>
    public static void Nap()
    {
        if (OperatingSystem.IsWindows())
        {
            Thread.Sleep(1);
            return;
        }

        Libc.Timespec time = new() { Nanoseconds = NapNanoseconds };
        _ = Libc.Sleep(&time, null);
    }
}
