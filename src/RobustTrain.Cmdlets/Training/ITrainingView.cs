using System.Management.Automation;

namespace RobustTrain.Cmdlets.Training;

/// <summary>Where a training shows itself: a cmdlet's pipeline, or a job's streams.</summary>
internal interface ITrainingView
{
    /// <summary>An epoch, or the run at its end.</summary>
    Task WriteAsync(PSObject value);

    /// <summary>Tells something that is no result, as Write-Host does.</summary>
    Task TellAsync(string message);

    /// <summary>Something that the operator should know.</summary>
    Task WarnAsync(string message);

    /// <summary>What happens in detail, for those who ask for it.</summary>
    Task DetailAsync(string message);

    /// <summary>How far the training is.</summary>
    Task ShowAsync(ProgressRecord progress);
}
