using System.Collections;
using System.Management.Automation;
using RobustTrain.Cmdlets.Resources;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes -Set as people write it, <c>@{ 'loader.batch_size' = 8 }</c>, <c>@{ loader = @{ batch_size = 8 } }</c> or <c>'loader.batch_size=8'</c>, into settings <c>key=value</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SettingsTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => SettingsOf(inputData).ToArray();

    private static IEnumerable<string> SettingsOf(object? input) => (input is PSObject wrapped ? wrapped.BaseObject : input) switch
    {
        IDictionary section => SettingsOf(section, prefix: ""),
        string text when text.IndexOf('=') > 0 => [text],
        IEnumerable items and not string => items.Cast<object?>().SelectMany(SettingsOf),
        var other => throw new ArgumentTransformationMetadataException(Strings.Format("InvalidSetting", other ?? "null")),
    };

    private static IEnumerable<string> SettingsOf(IDictionary section, string prefix)
    {
        foreach (DictionaryEntry entry in section)
        {
            string key = prefix + entry.Key;
            object? value = entry.Value is PSObject wrapped ? wrapped.BaseObject : entry.Value;
            if (value is IDictionary inner)
            {
                foreach (string setting in SettingsOf(inner, key + "."))
                    yield return setting;
            }
            else
            {
                yield return $"{key}={SettingText.Of(value)}";
            }
        }
    }
}
