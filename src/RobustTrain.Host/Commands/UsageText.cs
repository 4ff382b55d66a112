using System.CommandLine;
using RobustTrain.Platform;

namespace RobustTrain.Host.Commands;

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
