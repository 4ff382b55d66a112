using System.Globalization;
using RobustTrain.Bench.Epoch;
using RobustTrain.Bench.TrainingStep;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["drive", var work, .. var options]:
        Drive(work, Option(options, "--turns", 5), Option(options, "--samples", 160));
        return 0;
    case ["ours", var pairs]:
        Epochs.ServeOurs(pairs);
        return 0;
    case ["torchsharp", var pairs, var workers]:
        Epochs.ServeTorchSharp(pairs, int.Parse(workers, CultureInfo.InvariantCulture));
        return 0;
    default:
        Console.Error.WriteLine("epoch: expected drive FOLDER, ours FOLDER or torchsharp FOLDER WORKERS.");
        return 2;
}

static int Option(string[] options, string name, int otherwise) =>
    Array.IndexOf(options, name) is var at and >= 0 ? int.Parse(options[at + 1], CultureInfo.InvariantCulture) : otherwise;

static void Drive(string work, int turns, int samples)
{
    string pairs = Path.Combine(work, "pairs");
    Tiles.Cut(Path.Combine(work, "scenes"), pairs, samples);
    string program = Path.Combine(AppContext.BaseDirectory, "RobustTrain.Bench.Epoch.dll");
    Console.WriteLine($"FC-Siam-diff, 8 base channels, batch 16, crops of 112x112 from {samples} PNG pairs of 256x256, focal and dice loss, AdamW; {turns} turns of one epoch each, alternating");
    Side[] sides =
    [
        new("RobustTrain", Environment.ProcessPath!, [program, "ours", pairs], Environment.ProcessorCount),
        .. new[] { 1, 2 }.Select(workers => new Side($"TorchSharp, {workers} workers", Environment.ProcessPath!, [program, "torchsharp", pairs, $"{workers}"], Environment.ProcessorCount)),
    ];
    for (int turn = 0; turn < turns; turn++)
    {
        for (int i = 0; i < sides.Length; i++) sides[(turn + i) % sides.Length].TakeTurn();
    }

    Console.WriteLine($"{"",-26}{"samples/s",12}{"epoch",14}{"peak memory",16}{"ours/theirs, turn by turn",28}");
    foreach (Side side in sides)
    {
        double epoch = Statistics.Median(side.TurnMilliseconds);
        double ratio = Statistics.Median(sides[0].TurnMilliseconds.Zip(side.TurnMilliseconds, (ours, theirs) => theirs / ours));
        Console.WriteLine($"{side.Name,-26}{samples * 1000 / epoch,12:F1}{epoch,11:F0} ms{side.PeakMemoryBytes / 1048576.0,12:F0} MiB{(side == sides[0] ? "" : $"{ratio:F2}"),28}");
        side.Dispose();
    }
}
