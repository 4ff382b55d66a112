using System.CommandLine;

namespace RobustTrain.Host.Commands;

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
