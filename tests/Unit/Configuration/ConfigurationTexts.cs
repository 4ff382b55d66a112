using System.Diagnostics.CodeAnalysis;
using RobustTrain.Configuration;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Configuration;

/// <summary>Configurations are the same where their canonical texts are: records compare their lists by reference.</summary>
public static class ConfigurationTexts
{
    public static IEqualityComparer<TrainingConfig> Same { get; } = new ByText();

    private sealed class ByText : IEqualityComparer<TrainingConfig>
    {
        public bool Equals(TrainingConfig? x, TrainingConfig? y) => ConfigurationWriter.Write(x!) == ConfigurationWriter.Write(y!);

        public int GetHashCode([DisallowNull] TrainingConfig obj) => ConfigurationWriter.Write(obj).GetHashCode(StringComparison.Ordinal);
    }
}
