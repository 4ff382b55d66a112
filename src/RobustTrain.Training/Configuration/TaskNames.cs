using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>What can be learned.</summary>
internal sealed class TaskNameAttribute() : AllowedValuesAttribute([.. TaskCatalog.Names]);

/// <summary>The architectures that a task has.</summary>
internal sealed class ModelNameAttribute() : AllowedValuesAttribute([.. TaskCatalog.ModelNames]);

/// <summary>The datasets that a task can be trained on.</summary>
internal sealed class DatasetNameAttribute() : AllowedValuesAttribute([.. TaskCatalog.DatasetNames]);

/// <summary>What a task can minimise.</summary>
internal sealed class CriterionNameAttribute() : AllowedValuesAttribute([.. TaskCatalog.CriterionNames]);

/// <summary>The scores by which epochs can be compared.</summary>
internal sealed class ScoreNameAttribute() : AllowedValuesAttribute([.. TaskCatalog.ScoreNames]);

/// <summary>A validation set's score or a plug-in's, beside the names of scores.</summary>
internal sealed class ScoreOfSetAttribute : RegularExpressionAttribute
{
    public ScoreOfSetAttribute()
        : base("[^/:]+/[a-z0-9_]+|([^/:]+/)?[^/:]+:[^/:]+") => ErrorMessage = "SET/SCORE with one of them for a validation set";
}

/// <summary>What a plug-in brings, beside the names of what there is without one.</summary>
internal sealed class NameOfPluginAttribute : RegularExpressionAttribute
{
    public NameOfPluginAttribute()
        : base("[^/:]+:[^/:]+") => ErrorMessage = "PLUGIN:NAME with one that a plug-in brings";
}
