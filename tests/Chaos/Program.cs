using System.CommandLine;
using RobustTrain.Chaos;

Argument<int> faults = new("FAULTS") { Description = "How many faults." };
Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "Fixes the faults and their moments." };
Option<string?> config = new("--config") { HelpName = "FILE", Description = "The configuration whose network, criterion, optimiser and schedule are trained, on small pairs made here; samples/demo.yaml by default." };
Option<string?> task = new("--task") { HelpName = "NAME", Description = "Another task, as segmentation: samples/NAME.yaml is trained, on the data that robusttrain sample-data makes for it. The task of --config is known from its file." };
Option<string?> model = new("--model") { HelpName = "NAME", Description = "Another network, as hanet." };
Option<int?> epochs = new("--epochs") { HelpName = "N", Description = "Epochs to train; 3 by default, among ranks 8." };
Option<int?> ranks = new("--ranks") { HelpName = "N", Description = "Trains on so many ranks, each on a host of its own that is made for it here (as root on Linux), and lets faults befall ranks, hosts and launcher." };
Option<int> pairs = new("--pairs") { DefaultValueFactory = _ => 240, Description = "Training pairs." };
Option<int> side = new("--side") { DefaultValueFactory = _ => 112, Description = "Side of an image in pixels." };
Option<int> batch = new("--batch") { DefaultValueFactory = _ => 8, Description = "Pairs of a batch." };
Option<string[]> settings = new("--set") { HelpName = "KEY=VALUE", DefaultValueFactory = _ => [], Description = "A setting of the training that wins over all others." };
Option<string> host = new("--robusttrain") { HelpName = "PATH", DefaultValueFactory = _ => OperatingSystem.IsWindows() ? "artifacts/RobustTrain/host/robusttrain.exe" : "artifacts/RobustTrain/host/robusttrain", Description = "The executable." };
Option<string?> folder = new("--folder") { HelpName = "FOLDER", Description = "An empty folder to work in, which is left; without it a temporary one, in memory where possible." };
Option<double?> minutes = new("--minutes") { HelpName = "N", Description = "How long all of it may take; 15 by default, among ranks 30." };

RootCommand command = new("Trains once untouched and once among faults, and compares what is left. Exit code 0 where nothing differs, 1 where something does.")
{
    faults, seed, ranks, config, task, model, epochs, pairs, side, batch, settings, host, folder, minutes,
};
command.SetAction(parsed =>
{
    int? count = parsed.GetValue(ranks);
    if (count is < 2 or > 9)
        return Refuse($"--ranks is {count}, but must be a number from 2 to 9.");
    if (count is not null && !OwnHosts.IsInside && OwnHosts.Missing is { } missing)
        return Refuse($"--ranks needs hosts of its own: {missing}.");

    // Shards that the other hosts can share when one is missing, and a rank that is missed soon.
    string[] shards = count is null ? [] : [FormattableString.Invariant($"trainer.shards={2 * count}"), "trainer.rank_timeout_seconds=5", "loader.num_workers=1"];
    return Work(
        parsed, count is null ? null : work => OwnHosts.RunAgain(work, isKept: parsed.GetValue(folder) is not null, parsed.GetValue(folder) is null ? [.. args, "--folder", work] : args),
        parsed.GetValue(epochs) ?? (count is null ? 3 : 8), shards, options =>
        {
            options = options with { Faults = parsed.GetValue(faults), Seed = parsed.GetValue(seed), Ranks = count };
            ChaosReport report = count is null ? new ChaosRun(options, Console.Out).Run() : new RankChaosRun(options, Console.Out).Run();
            report.WriteTo(Console.Out);
            return report.IsClean;
        });
});
Command bits = new("bits", "Trains on one rank, on two, on four, and on two and then four or one, and compares what is left.")
{
    config, task, model, epochs, pairs, side, batch, settings, host, folder, minutes,
};
bits.SetAction(parsed => Work(parsed, again: null, parsed.GetValue(epochs) ?? 3, ["trainer.shards=4", "loader.num_workers=1"], options => new RankBits(options, Console.Out).Run()));
command.Add(bits);
Argument<int> kills = new("KILLS") { DefaultValueFactory = _ => 5, Description = "How many." };
Option<int> local = new("--ranks") { DefaultValueFactory = _ => 2, HelpName = "N", Description = "On so many ranks of this machine." };
Command recovery = new("recovery", "Kills a rank of a run on this machine again and again, and tells how long it takes until the run has done a step again, by parts.")
{
    kills, local, config, task, model, epochs, pairs, side, batch, settings, host, folder, minutes,
};
recovery.SetAction(parsed => parsed.GetValue(kills) < 1 || parsed.GetValue(local) < 2
    ? Refuse("recovery needs one kill and two ranks at least.")
    : Work(parsed, again: null, parsed.GetValue(epochs) ?? 1000, [FormattableString.Invariant($"trainer.shards={parsed.GetValue(local)}"), "loader.num_workers=1"], options =>
    {
        new RankRecovery(options with { Faults = parsed.GetValue(kills), Ranks = parsed.GetValue(local) }, Console.Out).Run();
        return true;
    }));
command.Add(recovery);
return command.Parse(args).Invoke();

int Refuse(string sentence)
{
    Console.Error.WriteLine($"chaos: {sentence}");
    return 2;
}

int Work(ParseResult parsed, Func<string, int>? again, int epochCount, string[] more, Func<ChaosOptions, bool> run)
{
    const int diskMegabytes = 256;
    if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
        return Refuse("this needs Linux or Windows.");
    string executable = Path.GetFullPath(parsed.GetValue(host)!);
    if (!File.Exists(executable))
        return Refuse($"there is no '{executable}'; ./build.sh build makes it, --robusttrain names another.");

    string? asked = parsed.GetValue(folder);
    string work = asked is null ? Directory.CreateTempSubdirectory("robusttrain-chaos-").FullName : Directory.CreateDirectory(asked).FullName;
    try
    {
        if (again is not null && !OwnHosts.IsInside)
            return again(work);
        if (again is null && asked is null && OwnDisk.IsPossible)
            return OwnDisk.RunAgain(work, diskMegabytes, args);
        string[] network = parsed.GetValue(model) is { } name ? [$"model.name={name}"] : [];
        string? asksFor = parsed.GetValue(task);
        string configPath = Path.GetFullPath(parsed.GetValue(config) ?? (asksFor is null ? "samples/demo.yaml" : $"samples/{asksFor}.yaml"));
        ChaosOptions options = new()
        {
            Faults = 0,
            Host = executable,
            ConfigPath = configPath,
            Task = asksFor ?? TaskOf(configPath),
            Settings = [.. network, .. more, .. parsed.GetValue(settings)!],
            Epochs = epochCount,
            Pairs = parsed.GetValue(pairs),
            Side = parsed.GetValue(side),
            BatchSize = parsed.GetValue(batch),
            Limit = TimeSpan.FromMinutes(parsed.GetValue(minutes) ?? (parsed.GetValue(ranks) is null ? 15 : 30)),
            Folder = work,
            OwnsDisk = OwnDisk.IsMounted,
        };
        return run(options) ? 0 : 1;
    }
    catch (Exception failed) when (failed is InvalidOperationException or TimeoutException or IOException)
    {
        Console.Error.WriteLine($"chaos: {failed.Message}");
        return 1;
    }
    finally
    {
        if (asked is null)
            Directory.Delete(work, recursive: true);
    }
}

// What stands behind "task:" in a configuration; change detection, which needs no such line, is trained on pairs that are made here.
static string? TaskOf(string configPath) => File.ReadLines(configPath)
    .Where(line => line.StartsWith("task:", StringComparison.Ordinal))
    .Select(line => line["task:".Length..].Trim())
    .FirstOrDefault(name => name != "change-detection");
