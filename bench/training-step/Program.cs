using System.Globalization;
using RobustTrain.Bench.TrainingStep;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Work work = Work.Parse(args[1..]);
switch (args[0])
{
    case "worker":
        Worker.RunOurs(work);
        return 0;
    case "plain":
        Worker.RunPlain(work);
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
    string step = Path.Combine(here, "step.py");
    using Side ours = new("RobustTrain", Environment.ProcessPath!, [Path.Combine(here, "RobustTrain.Bench.TrainingStep.dll"), "worker", .. work.WorkerArguments], work.Threads);
    using Side plain = new("TorchSharp", Environment.ProcessPath!, [Path.Combine(here, "RobustTrain.Bench.TrainingStep.dll"), "plain", .. work.WorkerArguments], work.Threads);
    using Side theirs = new("PyTorch", work.Python, [step, .. work.WorkerArguments], work.Threads);
    using Side? shards = work.Shards == 1
        ? null
        : new($"RobustTrain, {work.Shards} shards", Environment.ProcessPath!, [Path.Combine(here, "RobustTrain.Bench.TrainingStep.dll"), "worker", .. work.WorkerArguments, "--shards", $"{work.Shards}"], work.Threads);
    Side[] sides = shards is null ? [ours, plain, theirs] : [ours, plain, theirs, shards];
    for (int turn = 0; turn < work.Turns; turn++)
    {
        // Who goes first changes, so that a load that rises or falls meets all alike.
        for (int i = 0; i < sides.Length; i++) sides[(turn + i) % sides.Length].TakeTurn();
    }

    Console.WriteLine($"{"",-26}{"median",12}{"fastest",12}{"slowest",12}{"processor",12}{"peak memory",16}");
    foreach (Side side in sides)
    {
        Console.WriteLine(
            $"{side.Name,-26}{Statistics.Median(side.TurnMilliseconds),9:F1} ms{side.TurnMilliseconds.Min(),9:F1} ms{side.TurnMilliseconds.Max(),9:F1} ms"
            + $"{Statistics.Median(side.TurnProcessorMilliseconds),9:F1} ms{side.PeakMemoryBytes / 1048576.0,12:F0} MiB");
    }

    foreach (Side side in sides[1..])
    {
        double[] ratios = Ratios(ours.TurnMilliseconds, side.TurnMilliseconds);
        double processor = Statistics.Median(Ratios(ours.TurnProcessorMilliseconds, side.TurnProcessorMilliseconds));
        Console.WriteLine($"{"ours/" + side.Name,-26}{Statistics.Median(ratios),12:F3}{ratios.Min(),12:F3}{ratios.Max(),12:F3}{processor,12:F3}   (turn by turn)");
    }
}

static double[] Ratios(List<double> ours, List<double> theirs) => [.. ours.Zip(theirs, (our, their) => our / their)];
