using System.CommandLine;
using RobustTrain.Chaos;

Argument<int> faults = new("FAULTS") { Description = "How many faults." };
Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "Fixes the faults and their moments." };
Option<string?> config = new("--config") { HelpName = "FILE", Description = "The configuration whose network, criterion, optimiser and schedule are trained, on small pairs made here; samples/demo.yaml by default." };
Option<string?> task = new("--task") { HelpName = "NAME", Description = "Another task, as segmentation: samples/NAME.yaml is trained, on the data that robusttrain sample-data makes for it. The task of --config is known from its file." };
Option<string?> model = new("--model") { HelpName = "NAME", Description = "Another network, as hanet." };
Option<int> epochs = new("--epochs") { DefaultValueFactory = _ => 3, Description = "Epochs to train." };
Option<int> pairs = new("--pairs") { DefaultValueFactory = _ => 240, Description = "Training pairs." };
Option<int> side = new("--side") { DefaultValueFactory = _ => 112, Description = "Side of an image in pixels." };
Option<int> batch = new("--batch") { DefaultValueFactory = _ => 8, Description = "Pairs of a batch." };
Option<string[]> settings = new("--set") { HelpName = "KEY=VALUE", DefaultValueFactory = _ => [], Description = "A setting of the training that wins over all others." };
Option<string> host = new("--robusttrain") { HelpName = "PATH", DefaultValueFactory = _ => OperatingSystem.IsWindows() ? "artifacts/RobustTrain/host/robusttrain.exe" : "artifacts/RobustTrain/host/robusttrain", Description = "The executable." };
Option<string?> folder = new("--folder") { HelpName = "FOLDER", Description = "An empty folder to work in, which is left; without it a temporary one, in memory where possible." };
Option<double> minutes = new("--minutes") { DefaultValueFactory = _ => 15, Description = "How long all of it may take." };

RootCommand command = new("Trains once untouched and once among faults, and compares what is left. Exit code 0 where nothing differs, 1 where something does.")
{
    faults, seed, config, task, model, epochs, pairs, side, batch, settings, host, folder, minutes,
};
command.SetAction(parsed =>
{
    const int diskMegabytes = 256;
    if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
    {
        Console.Error.WriteLine("chaos: this needs Linux or Windows.");
        return 2;
    }

    string executable = Path.GetFullPath(parsed.GetValue(host)!);
    if (!File.Exists(executable))
    {
        Console.Error.WriteLine($"chaos: there is no '{executable}'; ./build.sh build makes it, --robusttrain names another.");
        return 2;
    }

    string? asked = parsed.GetValue(folder);
    string work = asked is null ? Directory.CreateTempSubdirectory("robusttrain-chaos-").FullName : Directory.CreateDirectory(asked).FullName;
    try
    {
        if (asked is null && OwnDisk.IsPossible)
            return OwnDisk.RunAgain(work, diskMegabytes, args);
        string[] network = parsed.GetValue(model) is { } name ? [$"model.name={name}"] : [];
        string? asksFor = parsed.GetValue(task);
        string configPath = Path.GetFullPath(parsed.GetValue(config) ?? (asksFor is null ? "samples/demo.yaml" : $"samples/{asksFor}.yaml"));
        ChaosReport report = new ChaosRun(
            new ChaosOptions
            {
                Faults = parsed.GetValue(faults),
                Seed = parsed.GetValue(seed),
                Host = executable,
                ConfigPath = configPath,
                Task = asksFor ?? TaskOf(configPath),
                Settings = [.. network, .. parsed.GetValue(settings)!],
                Epochs = parsed.GetValue(epochs),
                Pairs = parsed.GetValue(pairs),
                Side = parsed.GetValue(side),
                BatchSize = parsed.GetValue(batch),
                Limit = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                Folder = work,
                OwnsDisk = OwnDisk.IsMounted,
            },
            Console.Out).Run();
        report.WriteTo(Console.Out);
        return report.IsClean ? 0 : 1;
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
});
return command.Parse(args).Invoke();

// What stands behind "task:" in a configuration; change detection, which needs no such line, is trained on pairs that are made here.
static string? TaskOf(string configPath) => File.ReadLines(configPath)
    .Where(line => line.StartsWith("task:", StringComparison.Ordinal))
    .Select(line => line["task:".Length..].Trim())
    .FirstOrDefault(name => name != "change-detection");
