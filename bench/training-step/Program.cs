using System.Diagnostics;
using System.Globalization;
using RobustTrain.Bench.TrainingStep;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Work work = Work.Parse(args[1..]);
string dll = Path.Combine(AppContext.BaseDirectory, "RobustTrain.Bench.TrainingStep.dll");
switch (args[0])
{
    case "allreduce":
        Worker.RunAllReduce(megabytes: 100);
        return 0;
    case "worker":
        Worker.RunOurs(work);
        return 0;
    case "plain":
        Worker.RunPlain(work);
        return 0;
    case "drive" when work.Synchronized:
        DriveSynchronized(work);
        return 0;
    case "drive" when work.Ranks > 1:
        DriveRanks(work);
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
    TakeTurns(sides, work.Turns);
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

// Several ranks beside PyTorch's, and beside one rank that has all their threads.
void DriveRanks(Work work)
{
    Console.WriteLine(
        $"{work.Model}, {work.BaseChannels} base channels, batch {work.Batch}, {work.Side}x{work.Side}, cross entropy, AdamW; {work.Ranks} ranks of {work.Threads} threads; "
        + $"{work.Turns} turns of {work.Steps} steps each, alternating");
    string[] ranks = ["--ranks", $"{work.Ranks}"];
    string[] mpiexec = ["-n", $"{work.Ranks}", Environment.ProcessPath!, dll];
    Work whole = work with { Threads = work.Threads * work.Ranks };
    using (Side ours = new($"RobustTrain, {work.Ranks} ranks", "mpiexec.mpich", [.. mpiexec, "worker", .. work.WorkerArguments, .. ranks], work.Threads))
    using (Side theirs = new($"PyTorch DDP, {work.Ranks} ranks", work.Python, [Path.Combine(AppContext.BaseDirectory, "step.py"), .. work.WorkerArguments, .. ranks], work.Threads))
    using (Side one = new("RobustTrain, 1 rank", Environment.ProcessPath!, [dll, "worker", .. whole.WorkerArguments], whole.Threads))
    {
        Side[] sides = [ours, theirs, one];
        TakeTurns(sides, work.Turns);
        foreach (Side side in sides)
            Console.WriteLine($"{side.Name,-26}{Statistics.Median(side.TurnMilliseconds),9:F1} ms{side.TurnMilliseconds.Min(),9:F1} ms{side.TurnMilliseconds.Max(),9:F1} ms   (median, fastest, slowest turn)");
        double[] beside = Ratios(ours.TurnMilliseconds, theirs.TurnMilliseconds), efficiency = Ratios(one.TurnMilliseconds, ours.TurnMilliseconds);
        Console.WriteLine($"ours/PyTorch DDP {Statistics.Median(beside):F3} ({beside.Min():F3} to {beside.Max():F3}); efficiency {Statistics.Median(efficiency):F3} ({efficiency.Min():F3} to {efficiency.Max():F3}) (turn by turn)");
    }

    using Process sum = Process.Start("mpiexec.mpich", [.. mpiexec, "allreduce"]);
    sum.WaitForExit();
    if (sum.ExitCode != 0)
        throw new InvalidOperationException($"allreduce ended with exit code {sum.ExitCode}.");
}

// Shards with batch statistics of their own, and with common ones, on one rank and on several.
void DriveSynchronized(Work work)
{
    Console.WriteLine(
        $"{work.Model}, {work.BaseChannels} base channels, batch {work.Batch}, {work.Side}x{work.Side}, cross entropy, AdamW, {work.Shards} shards, {work.Threads} threads a rank; "
        + $"{work.Turns} turns of {work.Steps} steps each, alternating");
    foreach (int ranks in new[] { 1, work.Ranks }.Distinct())
    {
        Side SideOf(string name, string synchronized)
        {
            string[] arguments = [dll, "worker", .. work.WorkerArguments, "--ranks", $"{ranks}", "--shards", $"{work.Shards}", "--synchronized", synchronized];
            return ranks == 1
                ? new Side(name, Environment.ProcessPath!, arguments, work.Threads)
                : new Side(name, "mpiexec.mpich", ["-n", $"{ranks}", Environment.ProcessPath!, .. arguments], work.Threads);
        }

        using Side own = SideOf("own statistics", "false");
        using Side common = SideOf("common statistics", "true");
        TakeTurns([own, common], work.Turns);
        double[] ratios = Ratios(common.TurnMilliseconds, own.TurnMilliseconds);
        // Of several ranks the process is their launcher.
        string process = ranks > 1 ? "" : $"; processor time {Statistics.Median(Ratios(common.TurnProcessorMilliseconds, own.TurnProcessorMilliseconds)):F3}; peak memory {own.PeakMemoryBytes / 1048576.0:F0} and {common.PeakMemoryBytes / 1048576.0:F0} MiB";
        Console.WriteLine(
            $"ranks: {ranks}; own {Statistics.Median(own.TurnMilliseconds):F1} ms, common {Statistics.Median(common.TurnMilliseconds):F1} ms; common/own {Statistics.Median(ratios):F3} ({ratios.Min():F3} to {ratios.Max():F3}, turn by turn){process}");
    }
}

// Who goes first changes, so that a load that rises or falls meets all alike.
static void TakeTurns(Side[] sides, int turns)
{
    for (int turn = 0; turn < turns; turn++)
    {
        for (int i = 0; i < sides.Length; i++) sides[(turn + i) % sides.Length].TakeTurn();
    }
}

static double[] Ratios(List<double> ours, List<double> theirs) => [.. ours.Zip(theirs, (our, their) => our / their)];
