using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RobustTrain.Configuration;

/// <summary>A value of a YAML file that is no configuration of ours.</summary>
/// <param name="Path">Where it stands, as train.losses.0.type.</param>
/// <param name="Value">The scalar as it is written; null where it is null or a list.</param>
/// <param name="Items">The scalars of a list; null where it is none.</param>
/// <param name="Line">Its line, from 1.</param>
public sealed record YamlLeaf(string Path, string? Value, IReadOnlyList<string>? Items, int Line)
{
    /// <summary>The value as YAML.</summary>
    public string Text => Items is null ? Value ?? "null" : $"[{string.Join(", ", Items)}]";
}

/// <summary>Reads YAML files that are no configurations of ours.</summary>
public static class YamlLeaves
{
    /// <summary>All scalars and lists of scalars of a file, in their order.</summary>
    /// <exception cref="ConfigurationException">The file can't be read, or is no YAML with keys.</exception>
    public static IReadOnlyList<YamlLeaf> Read(string path)
    {
        YamlStream stream = [];
        try
        {
            using StreamReader reader = new(path);
            stream.Load(reader);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw Wrong("ConfigurationNotFound", $"The file '{path}' {(File.Exists(path) ? $"can't be read: {unreadable.Message}" : "does not exist")}.");
        }
        catch (YamlException broken)
        {
            throw Wrong("ConfigurationInvalidYaml", $"{path}, line {broken.Start.Line}: {broken.Message.ReplaceLineEndings(" ")}");
        }

        if (stream.Documents is not [{ RootNode: YamlMappingNode root }, ..])
            throw Wrong("ConfigurationInvalidYaml", $"{path} has no keys; a YAML file with keys is expected.");
        List<YamlLeaf> leaves = [];
        Collect(root, "", leaves);
        return leaves;

        static ConfigurationException Wrong(string id, string message) => new([new ConfigurationError(id, message, null)]);
    }

    private static void Collect(YamlNode node, string path, List<YamlLeaf> leaves)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                foreach ((YamlNode key, YamlNode value) in mapping)
                    Collect(value, $"{path}{(path.Length > 0 ? "." : "")}{key}", leaves);
                break;
            case YamlSequenceNode sequence when sequence.All(item => item is YamlScalarNode):
                leaves.Add(new YamlLeaf(path, null, [.. sequence.Cast<YamlScalarNode>().Select(item => item.Value ?? "")], (int)node.Start.Line));
                break;
            case YamlSequenceNode sequence:
                foreach ((int index, YamlNode item) in sequence.Index())
                    Collect(item, string.Create(CultureInfo.InvariantCulture, $"{path}.{index}"), leaves);
                break;
            case YamlScalarNode scalar:
                bool isNull = scalar.Style == ScalarStyle.Plain && YamlScalar.IsNull(scalar.Value ?? "");
                leaves.Add(new YamlLeaf(path, isNull ? null : scalar.Value, null, (int)node.Start.Line));
                break;
        }
    }
}
