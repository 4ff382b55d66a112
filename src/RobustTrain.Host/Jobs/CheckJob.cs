using System.Globalization;
using RobustTrain.Host.Errors;
using RobustTrain.Host.Events;
using RobustTrain.Host.Stopping;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training;

namespace RobustTrain.Host.Jobs;

/// <summary>Checks a configuration as a training would before its first step, and creates nothing.</summary>
/// <param name="request">What the command line asks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
internal sealed class CheckJob(CheckRequest request, EventStream? stream)
{
    /// <summary>Checks.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="Exception">The configuration has mistakes, or it doesn't fit its data set, network or machine.</exception>
    public int Run()
    {
        // Nothing here needs a checkpoint: whoever started this is gone, so it ends.
        StopRequests requests = new(() => Environment.Exit((int)ExitCode.Unexpected), onCheckpoint: () => { });
        if (request.HasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);
        try
        {
            Report(ConfigurationReader.Read(request.ConfigPath, request.Settings));
            return (int)ExitCode.Finished;
        }
        catch (Exception exception)
        {
            stream?.Write(new ConfigurationChecked(MistakesOf(exception), null, null, null, null, null));
            throw;
        }
    }

    private void Report(TrainingConfig config)
    {
        TrainingPlan plan = TrainingPlan.Create(config);
        foreach (RunWarning warning in plan.Warnings)
        {
            stream?.Write(warning);
            if (stream is null)
                Console.Out.WriteLine($"Warning: {warning.Message}");
        }

        stream?.Write(new ConfigurationChecked([], plan.Device.ToString(), plan.Data.Training.Count, plan.Data.Validation.Count, plan.Data.Test.Count, plan.StepsPerEpoch));
        if (stream is null)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"The configuration is good: {config.Model.Name} on {plan.Device}, {plan.Data.Training.Count} training, {plan.Data.Validation.Count} validation and {plan.Data.Test.Count} test samples, {config.Trainer.Epochs} epochs of {plan.StepsPerEpoch} steps."));
        }
    }

    private static IReadOnlyList<ConfigurationError> MistakesOf(Exception exception)
    {
        if (exception is ConfigurationException configuration)
            return configuration.Errors;
        Failure failure = Failure.Of(exception);
        return [new ConfigurationError(failure.ErrorId, failure.Message, (failure.Cause as RunException)?.Target as string)];
    }
}
