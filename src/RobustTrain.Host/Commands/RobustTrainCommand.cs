using System.CommandLine;
using System.CommandLine.Parsing;
using RobustTrain.Host.Errors;
using RobustTrain.Host.Output;
using RobustTrain.Runs;

namespace RobustTrain.Host.Commands;

/// <summary>The command line of <c>robusttrain</c>.</summary>
internal static class RobustTrainCommand
{
    /// <summary>Runs a command line.</summary>
    /// <returns>The exit code of the process.</returns>
    public static int Run(string[] arguments)
    {
        DiagnosticPort.Close();

        // The exit code says how it went, too, where nobody can read standard error.
        using DetachedText errors = new(Console.OpenStandardError(), "standard error", onLoss: null);
        Console.SetError(errors);
        ParseResult parsed = Create().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return ReportUsage(parsed);
        return CommandGuard.Run(() => parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }));
    }

    private static RootCommand Create() => new(
        "Trains change-detection networks and keeps the training alive. "
        + "Exit codes: 0 finished, 1 unexpected, 2 configuration or usage, 3 data, 4 numeric failure, 5 out of memory, 75 stopped with a checkpoint (run it again to go on).")
    {
        TrainCommand.Create(),
        EvaluateCommand.Create(),
        LoaderCommand.Create(),
        SampleDataCommand.Create(),
        ConfigCommand.Create(),
    };

    private static int ReportUsage(ParseResult parsed)
    {
        foreach (string sentence in UsageErrors(parsed))
            Console.Error.WriteLine($"robusttrain: {sentence}");
        string path = string.Join(' ', PathOf(parsed.CommandResult));
        Console.Error.WriteLine($"robusttrain: '{path} --help' lists what there is.");
        return (int)ExitCode.Configuration;
    }

    private static IEnumerable<string> UsageErrors(ParseResult parsed) => parsed.UnmatchedTokens.Count == 0
        ? parsed.Errors.Select(error => error.Message.ReplaceLineEndings(" "))
        : parsed.UnmatchedTokens.Select(token => UsageText.Unknown(token, parsed.CommandResult.Command));

    private static IEnumerable<string> PathOf(CommandResult result)
    {
        Stack<string> names = [];
        for (SymbolResult? at = result; at is CommandResult command; at = at.Parent)
            names.Push(command.Command is RootCommand ? "robusttrain" : command.Command.Name);
        return names;
    }
}
