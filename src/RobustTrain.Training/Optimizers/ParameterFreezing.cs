using System.Text.RegularExpressions;
using RobustTrain.Platform;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimizers;

/// <summary>Takes parameters out of the learning by patterns of their names; <c>*</c> stands for any text.</summary>
internal static class ParameterFreezing
{
    /// <summary>Freezes what the patterns match.</summary>
    /// <returns>The parameters that are still learned, with their names.</returns>
    /// <exception cref="RunException">A pattern matches no parameter, or nothing is left to learn.</exception>
    public static (string Name, Parameter Parameter)[] Apply(nn.Module model, IReadOnlyList<string> patterns)
    {
        (string Name, Parameter Parameter)[] all = [.. model.named_parameters().Select(named => (named.name, named.parameter))];
        var frozen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string pattern in patterns)
        {
            var expression = new Regex($"^{Regex.Escape(pattern).Replace("\\*", ".*")}$", RegexOptions.CultureInvariant);
            string[] matched = [.. all.Select(named => named.Name).Where(name => expression.IsMatch(name))];
            if (matched.Length == 0)
            {
                throw new RunException(
                    ExitCode.Configuration, "FreezeMatchesNothing",
                    $"trainer.freeze has the pattern '{pattern}', which matches no parameter; the parameters are {string.Join(", ", all.Take(8).Select(named => named.Name))}{(all.Length > 8 ? ", …" : "")}.{Hint(pattern, all.Select(named => named.Name))}",
                    "trainer.freeze");
            }

            frozen.UnionWith(matched);
        }

        foreach ((_, Parameter parameter) in all.Where(named => frozen.Contains(named.Name)))
            parameter.requires_grad = false;
        return all.Length > frozen.Count
            ? [.. all.Where(named => !frozen.Contains(named.Name))]
            : throw new RunException(ExitCode.Configuration, "FreezeLeavesNothing", "trainer.freeze freezes every parameter, so that nothing would be learned.", "trainer.freeze");
    }

    // A pattern mostly names a module and all below it.
    private static string Hint(string pattern, IEnumerable<string> names)
    {
        string[] known = [.. names.SelectMany(name => name.Split('.').Select((_, parts) => string.Join('.', name.Split('.').Take(parts + 1)))).Distinct()];
        string typed = pattern.TrimEnd('*').TrimEnd('.');
        IEnumerable<string> beginnings = names.Where(name => pattern.EndsWith('*') && name.Length > typed.Length).Select(name => name[..typed.Length]);
        return NearestName.Of(typed, known.Concat(beginnings)) is { } near ? $" Did you mean '{near}{(pattern.EndsWith('*') ? "*" : "")}'?" : "";
    }
}
