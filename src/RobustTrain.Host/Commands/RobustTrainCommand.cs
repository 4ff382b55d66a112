using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using RobustTrain.Host.Output;
using RobustTrain.Platform;
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
        WindowsText.Choose(arguments);

        // The exit code says how it went, too, where nobody can read standard error.
        using DetachedText errors = new(Console.OpenStandardError(), "standard error", onLoss: null);
        Console.SetError(errors);
        ParseResult parsed = Create().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return ReportUsage(parsed);
        return CommandGuard.Run(() => parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }));
    }

    private static RootCommand Create() => new(
        "Trains deep networks and keeps the training alive. "
        + "Exit codes: 0 finished, 1 unexpected, 2 configuration or usage, 3 data, 4 numeric failure, 5 out of memory, 75 stopped with a checkpoint, or a prediction with what is finished (run it again to go on).")
    {
        TrainCommand.Create(),
        FleetCommand.Create(),
        EvaluateCommand.Create(),
        PredictCommand.Create(),
        ExportCommand.Create(),
        PlotCommand.Create(),
        LoaderCommand.Create(),
        LearningRateCommand.Create(),
        SampleDataCommand.Create(),
        ConfigCommand.Create(),
        DashboardCommand.Create(),
    };

    private static int ReportUsage(ParseResult parsed)
    {
        foreach (string sentence in UsageErrors(parsed))
            CommandGuard.Say(sentence);
        string path = string.Join(' ', PathOf(parsed.CommandResult));
        CommandGuard.Say($"'{path} --help' lists what there is.");
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

/// <summary>Sentences about mistakes on the command line.</summary>
internal static class UsageText
{
    /// <summary>A word that a command doesn't know.</summary>
    public static string Unknown(string word, Command command)
    {
        IEnumerable<string> known =
        [
            .. command.Subcommands.Select(inner => inner.Name),
            .. command.Options.SelectMany(option => option.Aliases.Append(option.Name)),
        ];
        return NearestName.Of(word, known) is { } nearest
            ? $"'{word}' is not known here; did you mean '{nearest}'?"
            : $"'{word}' is not known here.";
    }
}

/// <summary>The encoding of what is written on Windows, where by default it is a code page of the nineties.</summary>
internal static class WindowsText
{
    /// <summary>
    /// Has text written as UTF-8 to a console, whose former setting comes back at the end, and to the module, which asks for events. Another
    /// reader of a pipe expects the code page.
    /// </summary>
    public static void Choose(string[] arguments)
    {
        if (!OperatingSystem.IsWindows() || (Console.IsOutputRedirected && !arguments.Contains("--events")))
            return;
        Encoding former = Console.OutputEncoding;
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Console.OutputEncoding = former;
    }
}

/// <summary>
/// .NET's port for debuggers: three files in the temporary folder that the runtime makes at its start and takes away at its end, and that
/// a killed process therefore leaves for good. Nobody debugs a training that way, so they go at once.
/// </summary>
internal static class DiagnosticPort
{
    private static readonly string[] s_names = ["dotnet-diagnostic-{0}-*", "clr-debug-pipe-{0}-*"];

    /// <summary>Deletes this process's files, unless traces are asked for (<see cref="Failure.DebugVariable"/>).</summary>
    public static void Close()
    {
        if (OperatingSystem.IsWindows() || Environment.GetEnvironmentVariable(Failure.DebugVariable) == "1")
            return;
        try
        {
            foreach (string file in s_names.SelectMany(name => Directory.EnumerateFiles(Path.GetTempPath(), string.Format(null, name, Environment.ProcessId))))
                File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A temporary folder that can't be read holds no reason not to train.
        }
    }
}
