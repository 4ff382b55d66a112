using System.CommandLine;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Runs;

namespace RobustTrain.Host.Commands;

/// <summary>Options that several commands have.</summary>
internal static class CommonOptions
{
    /// <summary>Who is told what happens.</summary>
    /// <param name="what">What is told.</param>
    public static Option<string[]> OnEvent(string what) => new("--on-event")
    {
        HelpName = "COMMAND|URL",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        Description = $"Tells {what}: a webhook gets JSON by POST, a command of the shell gets it on standard input. Tried three times, 4 s each; may be given several times. {RunNotifications.Variable} names more, one a line, and keeps a webhook's password out of the list of processes.",
    };

    /// <summary>Whether events go to standard output.</summary>
    public static Option<bool> Events() => new("--events")
    {
        Description = "Writes events to standard output, one JSON object a line, and nothing else there.",
    };

    /// <summary>Whether standard input is the parent's life line.</summary>
    public static Option<bool> LifeLine() => new("--life-line")
    {
        Description = "Takes 'stop' as a line on standard input, and stops when it ends: whoever started this is gone.",
    };

    /// <summary>The folder of a run.</summary>
    public static Option<string?> RunPath() => new("--run-path")
    {
        HelpName = "FOLDER",
        Description = "The run's folder; without it runs/<name>-<date>-<time>. A folder that holds a run brings its own configuration where CONFIG is not given.",
    };

    /// <summary>What to do with a folder that holds a run.</summary>
    public static Option<string> Resume() => OneOf(
        "--resume",
        "What to do where the folder holds a run already: refuse it (never), go on with it (auto), or go on and refuse a folder without one (require).",
        "auto", "never", "auto", "require");

    /// <summary>An option that takes one of some words, in any letter case.</summary>
    public static Option<string> OneOf(string name, string description, string defaultWord, params string[] words)
    {
        Option<string> option = new(name) { HelpName = string.Join('|', words), DefaultValueFactory = _ => defaultWord, Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !words.Contains(token.Value, StringComparer.OrdinalIgnoreCase))
                result.AddError($"{name} is '{token.Value}', but must be one of {string.Join(", ", words)}.");
        });
        return option;
    }

    /// <summary>Opens the stream of events where it is asked for.</summary>
    public static EventStream? OpenStream(bool isAskedFor) => isAskedFor ? new EventStream(Console.OpenStandardOutput()) : null;
}

/// <summary>The options of the commands that train, or check whether a training could begin.</summary>
/// <param name="lifeLine">Whether standard input is the parent's life line.</param>
/// <param name="onEvent">Who is told how it ends; null where nobody can be.</param>
internal sealed class RunOptions(Option<bool> lifeLine, Option<string[]>? onEvent = null)
{
    private readonly ConfigurationOptions _configuration = new();
    private readonly Option<string?> _runPath = CommonOptions.RunPath();
    private readonly Option<string> _resume = CommonOptions.Resume();
    private readonly Option<bool> _events = CommonOptions.Events();

    /// <summary>Adds them to a command, and what it does.</summary>
    /// <param name="command">The command.</param>
    /// <param name="run">Does it; gives the exit code.</param>
    public Command AddTo(Command command, Func<RunRequest, EventStream?, int> run) => AddTo(command, (request, stream, _) => run(request, stream));

    /// <inheritdoc cref="AddTo(Command, Func{RunRequest, EventStream?, int})"/>
    public Command AddTo(Command command, Func<RunRequest, EventStream?, ParseResult, int> run)
    {
        foreach (Option option in (Option[])[_runPath, _resume, _events, lifeLine])
            command.Add(option);
        if (onEvent is not null)
            command.Add(onEvent);
        _configuration.AddTo(command);
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(_events));
            RunRequest request = new(
                parsed.GetValue(_configuration.File),
                parsed.GetValue(_configuration.Settings)!,
                parsed.GetValue(_runPath),
                Enum.Parse<ResumeMode>(parsed.GetValue(_resume)!, ignoreCase: true),
                parsed.GetValue(lifeLine))
            { OnEvent = onEvent is null ? [] : parsed.GetValue(onEvent)! };
            return CommandGuard.Run(() => run(request, stream, parsed), stream);
        });
        return command;
    }
}

/// <summary>The configuration file and the settings that several commands take.</summary>
internal sealed class ConfigurationOptions
{
    /// <summary>The file.</summary>
    public Argument<string?> File { get; } = new("CONFIG")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "The configuration, a YAML file ('robusttrain config show' prints every key); without it every key has its default.",
    };

    /// <summary>The settings.</summary>
    public Option<string[]> Settings { get; } = new("--set", "-s")
    {
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        Description = "Sets a key of the configuration, as --set optimizer.learning_rate=0.01; the value is YAML; may be given several times, and wins over the file.",
    };

    /// <summary>Adds both to a command.</summary>
    public void AddTo(Command command)
    {
        // A mistyped option would otherwise be taken for the file.
        File.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && token.Value.StartsWith("--", StringComparison.Ordinal))
                result.AddError(UsageText.Unknown(token.Value, command));
        });
        command.Add(File);
        command.Add(Settings);
    }
}
