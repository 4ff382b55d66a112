using System.ComponentModel.DataAnnotations;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training;

/// <summary>What the catalogue knows of a task before there is a configuration.</summary>
public sealed record TaskDefinition
{
    /// <summary>What <c>task</c> calls it.</summary>
    public required string Name { get; init; }

    /// <summary>What <c>model.name</c> can be.</summary>
    public required IReadOnlyCollection<string> Models { get; init; }

    /// <summary>What is known of the network that a configuration names; null where nothing is, as of a plug-in's.</summary>
    public Func<ModelConfig, KnownNetwork?> NetworkOf { get; init; } = _ => null;

    /// <summary>What <c>data.dataset</c> can be.</summary>
    public required IReadOnlyCollection<string> Datasets { get; init; }

    /// <summary>What <c>criterion.name</c> can be.</summary>
    public required IReadOnlyCollection<string> Criteria { get; init; }

    /// <summary>The scores that the configuration can name.</summary>
    public required IReadOnlyList<ScoreDefinition> Scores { get; init; }

    /// <summary>Whether it can be trained against a discriminator (<c>gan</c>).</summary>
    public bool HasDiscriminator { get; init; }

    /// <summary>Settings in the form <c>key=value</c> that hold where the configuration gives no value, in place of the key's own default.</summary>
    public IReadOnlyList<string> Presets { get; init; } = [];

    /// <summary>More such settings, that the data of a configuration give.</summary>
    public Func<TrainingConfig, IEnumerable<string>> PresetsOf { get; init; } = _ => [];

    /// <summary>What keys demand of each other in this task, beyond what they do in all.</summary>
    public Func<TrainingConfig, IEnumerable<ValidationResult>> Rules { get; init; } = _ => [];

    /// <summary>Makes the task of a configuration.</summary>
    public required Func<TrainingConfig, ITrainingTask> Create { get; init; }
}
