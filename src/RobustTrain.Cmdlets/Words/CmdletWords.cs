using System.Reflection;
using System.Text.RegularExpressions;

namespace RobustTrain.Cmdlets.Words;

/// <summary>Puts the executable's sentences, which name its options, into the words of the cmdlet that was called: its parameters.</summary>
/// <param name="Given">The settings that parameters gave, as the executable was told them, each with the parameter as it was written.</param>
internal sealed partial record CmdletWords(IReadOnlyList<(string Setting, string Parameter)> Given)
{
    private static readonly Dictionary<string, string> s_parameters = new()
    {
        ["--checkpoint"] = "-Checkpoint",
        ["--checkpoint latest"] = "-Checkpoint Latest",
        ["--config"] = "-ConfigurationPath",
        ["--crop-size"] = "-CropSize",
        ["--data-path"] = "-DataPath",
        ["--device"] = "-Device",
        ["--fault"] = "-Fault",
        ["--batch"] = "-Batch",
        ["--force"] = "-Force",
        ["--format"] = "-Format",
        ["--format onnx"] = "-Format Onnx",
        ["--format safetensors"] = "-Format SafeTensors",
        ["--from"] = "-MinimumLearningRate",
        ["--height"] = "-Height",
        ["--image-a"] = "-ImagePathA",
        ["--image-b"] = "-ImagePathB",
        ["--images"] = "-ImagePath",
        ["--integers"] = "-Integers",
        ["--kind"] = "-WorkerKind",
        ["--most"] = "-Most",
        ["--on-event"] = "-OnEvent",
        ["--opset"] = "-Opset",
        ["--output"] = "-OutputPath",
        ["--overlap"] = "-Overlap",
        ["--pictures"] = "-PicturePath",
        ["--hosts"] = "-ComputerName",
        ["--ranks"] = "-Ranks",
        ["--ranks-per-host"] = "-RanksPerHost",
        ["--rejoin"] = "-Rejoin",
        ["--restart"] = "-Restart",
        ["--resume"] = "-Resume",
        ["--resume auto"] = "-Resume Auto",
        ["--resume never"] = "-Resume Never",
        ["--resume require"] = "-Resume Require",
        ["--run-path"] = "-RunPath",
        ["--set"] = "-Set",
        ["--skip-existing"] = "-SkipExisting",
        ["--steps"] = "-Steps",
        ["--tile-size"] = "-TileSize",
        ["--to"] = "-MaximumLearningRate",
        ["--top"] = "-Top",
        ["--width"] = "-Width",
        ["--workers"] = "-NumWorkers",
    };

    private static readonly Dictionary<string, string> s_parametersOfKeys = ConfigurationKeyAttribute.OfParameters.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>The words of a cmdlet whose parameters gave no settings.</summary>
    public static CmdletWords Plain { get; } = new([]);

    /// <summary>Parameters that this cmdlet names otherwise than others, by the executable's options.</summary>
    public IReadOnlyDictionary<string, string> Own { get; init; } = new Dictionary<string, string>();

    /// <summary>What the process does, as the subject of a sentence on how it was killed.</summary>
    public string Worker { get; init; } = Strings.Format("Trainer");

    /// <summary>How its work goes on after that, as the end of the sentence.</summary>
    public string GoesOn { get; init; } = Strings.Format("TrainerGoesOn");

    /// <summary>A sentence in the cmdlet's words.</summary>
    public string Of(string sentence)
    {
        // The longest first: one setting may be the beginning of another.
        foreach ((string setting, string parameter) in Given.OrderByDescending(pair => pair.Setting.Length))
            sentence = sentence.Replace($"--set {setting}", parameter, StringComparison.Ordinal);

        sentence = Template().Replace(sentence, found => s_parametersOfKeys.TryGetValue(found.Groups["key"].Value, out string? name) ? $"-{name}" : $"-Set {found.Groups["key"].Value}=...");
        return Option().Replace(sentence, found => Own.GetValueOrDefault(found.Value, s_parameters.GetValueOrDefault(found.Value, found.Value)));
    }

    // "--set data.path=...": a hint at what could be given.
    [GeneratedRegex(@"(?<![\w-])--set (?<key>[a-z_.]+)=\.\.\.")]
    private static partial Regex Template();

    [GeneratedRegex(@"(?<![\w-])--(?:resume (?:auto|never|require)|checkpoint latest|format (?:onnx|safetensors)|scheduler slurm|[a-z-]+)(?![\w-])")]
    private static partial Regex Option();
}

/// <summary>Says which key of the configuration a parameter sets.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ConfigurationKeyAttribute(string path) : Attribute
{
    /// <summary>The key's dotted name.</summary>
    public string Path { get; } = path;

    /// <summary>The keys that the parameters of the module's cmdlets set, by the parameters' names in any letter case.</summary>
    public static IReadOnlyDictionary<string, string> OfParameters { get; } = typeof(ConfigurationKeyAttribute).Assembly.GetExportedTypes()
        .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        .Select(property => (property.Name, Key: property.GetCustomAttribute<ConfigurationKeyAttribute>()?.Path))
        .Where(parameter => parameter.Key is not null)
        .DistinctBy(parameter => parameter.Name)
        .ToDictionary(parameter => parameter.Name, parameter => parameter.Key!, StringComparer.OrdinalIgnoreCase);
}
