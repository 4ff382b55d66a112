using System.CommandLine;
using RobustTrain.Configuration;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Launching;
using RobustTrain.Host.Output;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain config</c>: shows, checks and documents configurations.</summary>
internal static class ConfigCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create() => new("config", "Shows, checks and documents configurations.")
    {
        Show(),
        New(),
        Check(),
        Convert(),
        Schema(),
        Values(),
    };

    private static Command Show()
    {
        ConfigurationOptions configuration = new();
        Option<bool> plain = new("--plain") { Description = "Leaves out the comments that document each key." };
        Command command = new("show", "Prints a configuration with every key, its default where none is given, and what it means. Without CONFIG: one to start from.") { plain };
        configuration.AddTo(command);
        command.SetAction(parsed => CommandGuard.Run(() =>
        {
            TrainingConfig config = ConfigurationReader.ReadPartial<TrainingConfig>(parsed.GetValue(configuration.File), parsed.GetValue(configuration.Settings)!);
            Console.Out.Write(parsed.GetValue(plain) ? ConfigurationWriter.Write(config) : ConfigurationWriter.WriteDocumented(config));
            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static Command New()
    {
        Argument<string> file = new("FILE") { Description = "The file to write." };
        Option<string> task = CommonOptions.OneOf("--task", "What is to be learned.", "change-detection", [.. TaskCatalog.Names]);
        ConfigurationOptions configuration = new();
        Option<bool> force = new("--force") { Description = "Overwrites a file that is there." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new("new", "Writes a configuration to start from: every key with its default, and above it what it means.") { file, task, configuration.Settings, force, events, lifeLine };
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            return CommandGuard.Run(
                () =>
                {
                    string path = WritablePath.Full(parsed.GetValue(file)!);
                    if (!parsed.GetValue(force) && Path.Exists(path))
                        throw new RunException(ExitCode.Configuration, "OutputExists", $"The file '{path}' is there already; --force overwrites it.", path);
                    TrainingConfig config = ConfigurationReader.ReadPartial<TrainingConfig>(path: null, [$"task={parsed.GetValue(task)!.ToLowerInvariant()}", .. parsed.GetValue(configuration.Settings)!]);
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    DurableFile.Write(path, ConfigurationWriter.WriteDocumented(config));
                    stream?.Write(new ConfigurationWritten(path, config.Task));
                    return (int)ExitCode.Finished;
                },
                stream);
        });
        return command;
    }

    private static Command Check()
    {
        Command command = new("check", "Checks a configuration as 'train' would before its first step: keys, dataset, network, device, with --run-path the run, and with --ranks or --hosts whether these ranks can be started. Creates nothing.");
        RankOptions ranks = new();
        ranks.AddTo(command);
        return new RunOptions(CommonOptions.LifeLine()).AddTo(
            command, (request, stream, parsed) => new CheckJob(request, stream, TimeProvider.System, config => MpiExec.CheckAny(ranks.Of(parsed), config.Trainer.Shards)).Run());
    }

    private static Command Values()
    {
        Argument<string> key = new("KEY") { Description = "A key, as model.name." };
        ConfigurationOptions configuration = new();
        Command command = new("values", "Prints the names that a key can have, one a line: those of the configuration's task and of its plug-ins.") { key };
        configuration.AddTo(command);
        command.SetAction(parsed => CommandGuard.Run(() =>
        {
            string path = parsed.GetValue(key)!;
            if (ConfigurationSchema<TrainingConfig>.Find(path) is not { Section: null } known)
                throw new RunException(ExitCode.Configuration, "ConfigurationUnknownKey", $"The configuration has no key '{path}'.{(NearestName.Of(path, ConfigurationSchema<TrainingConfig>.Values.Select(value => value.Path)) is { } near ? $" Did you mean '{near}'?" : "")}", path);
            TrainingConfig config = ConfigurationReader.ReadPartial<TrainingConfig>(parsed.GetValue(configuration.File), parsed.GetValue(configuration.Settings)!);
            foreach (string name in TaskCatalog.NamesOf(config, known.Path))
                Console.Out.WriteLine(name);
            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static Command Convert()
    {
        Argument<string> file = new("FILE") { Description = "An option file of traiNNer-redux." };
        Option<string?> output = new("--output", "-o") { HelpName = "FILE", Description = "The file to write; without it the configuration is printed." };
        Option<bool> force = new("--force") { Description = "Overwrites a file that is there." };
        Command command = new("convert", "Turns an option file of traiNNer-redux into a configuration of super-resolution, and names each option that has no counterpart: on standard error, and above the configuration's keys.") { file, output, force };
        command.SetAction(parsed => CommandGuard.Run(() =>
        {
            string? path = parsed.GetValue(output) is { } given ? WritablePath.Full(given) : null;
            if (path is not null && !parsed.GetValue(force) && Path.Exists(path))
                throw new RunException(ExitCode.Configuration, "OutputExists", $"The file '{path}' is there already; --force overwrites it.", path);
            string source = Path.GetFullPath(parsed.GetValue(file)!);
            OptionFileConversion conversion = OptionFileConversion.Read(source);
            IReadOnlyList<UnmatchedOption> unmatched = conversion.Unmatched;
            string head = string.Concat(new[] { $"Made of {source}." }.Concat(unmatched.Count == 0 ? [] : [$"{Counted.Of(unmatched.Count, "option")} without counterpart:"]).Concat(unmatched.Select(option => option.ToString())).Select(line => $"# {line}\n"));
            string text = $"{head}\n{ConfigurationWriter.WriteDocumented(conversion.Config)}";
            foreach (UnmatchedOption option in unmatched)
                CommandGuard.Say($"No counterpart: {option}.");
            if (path is null)
            {
                Console.Out.Write(text);
                return (int)ExitCode.Finished;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            DurableFile.Write(path, text);
            Console.Out.WriteLine($"{path} is written; {Counted.Are(unmatched.Count, "option")} without counterpart.");
            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static Command Schema()
    {
        Command command = new("schema", "Prints the configuration's JSON Schema, with which editors complete and check the YAML.");
        command.SetAction(_ => CommandGuard.Run(() =>
        {
            Console.Out.WriteLine(ConfigurationJsonSchema.Write<TrainingConfig>());
            return (int)ExitCode.Finished;
        }));
        return command;
    }
}
