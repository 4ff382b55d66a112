using System.CommandLine;
using RobustTrain.Configuration;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain config</c>: shows, checks and documents configurations.</summary>
internal static class ConfigCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create() => new("config", "Shows, checks and documents configurations.")
    {
        Show(),
        Check(),
        Schema(),
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

    private static Command Check() => new RunOptions(CommonOptions.LifeLine()).AddTo(
        new Command("check", "Checks a configuration as 'train' would before its first step: keys, dataset, network, device, and with --run-path the run. Creates nothing."),
        (request, stream) => new CheckJob(request, stream, TimeProvider.System).Run());

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
