using System.Globalization;
using RobustTrain.Bench.Monitoring;

// cost first|settled SECONDS   CPU time and allocation of a monitor of 8 GPUs (ROBUSTTRAIN_NVML) and the CPU at 1 Hz
// stop idle|sampling|hung COUNT  latency of stops at random moments
// hosts CONFIG COUNT SECONDS   many hosts h1..hCOUNT of an ssh configuration at 1 Hz
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["cost", var when, var seconds]:
        await CostBench.RunAsync(when == "settled", int.Parse(seconds));
        return 0;
    case ["stop", var kind, var count]:
        StopBench.Run(kind, int.Parse(count));
        return 0;
    case ["hosts", var config, var count, var seconds]:
        await HostsBench.RunAsync(config, int.Parse(count), int.Parse(seconds));
        return 0;
    default:
        Console.Error.WriteLine("cost first|settled SECONDS, stop idle|sampling|hung COUNT, or hosts CONFIG COUNT SECONDS");
        return 2;
}
