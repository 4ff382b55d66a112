using System.Globalization;
using RobustTrain.Bench.TrainingStep;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Work work = Work.Parse(args[1..]);
switch (args[0])
{
    case "worker":
        Worker.Run(work);
        return 0;
    case "drive":
        Drive(work);
        return 0;
    default:
        Console.Error.WriteLine($"training-step: expected drive or worker, found '{args[0]}'.");
        return 2;
}

static void Drive(Work work)
{
    string here = AppContext.BaseDirectory;
    Console.WriteLine(
        $"{work.Model}, {work.BaseChannels} base channels, batch {work.Batch}, {work.Side}x{work.Side}, cross entropy, AdamW, {work.Threads} threads; "
        + $"{work.Turns} turns of {work.Steps} steps each, alternating");
    using Side ours = new("RobustTrain", Environment.ProcessPath!, [Path.Combine(here, "training-step.dll"), "worker", .. work.WorkerArguments], work.Threads);
    using Side theirs = new("PyTorch", work.Python, [Path.Combine(here, "step.py"), .. work.WorkerArguments], work.Threads);

    List<double> ratios = [];
    for (int turn = 0; turn < work.Turns; turn++)
    {
        // Who goes first changes, so that a load that rises or falls meets both alike.
        foreach (Side side in turn % 2 == 0 ? (Side[])[ours, theirs] : [theirs, ours]) side.TakeTurn();
        ratios.Add(ours.TurnMilliseconds[^1] / theirs.TurnMilliseconds[^1]);
    }

    Console.WriteLine($"{"",-14}{"median",12}{"fastest",12}{"slowest",12}{"peak memory",16}");
    foreach (Side side in (Side[])[ours, theirs])
    {
        Console.WriteLine(
            $"{side.Name,-14}{Statistics.Median(side.TurnMilliseconds),9:F1} ms{side.TurnMilliseconds.Min(),9:F1} ms{side.TurnMilliseconds.Max(),9:F1} ms"
            + $"{side.PeakMemoryBytes / 1048576.0,12:F0} MiB");
    }

    Console.WriteLine($"{"ours/theirs",-14}{Statistics.Median(ratios),12:F3}{ratios.Min(),12:F3}{ratios.Max(),12:F3}   (of each pair of turns)");
}
