using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimization;

/// <summary>
/// An exponential moving average of a network's parameters; its buffers are those of the network. After each step
/// <c>average = decay * average + (1 - decay) * weight</c>.
/// </summary>
internal sealed class WeightAverage : ICheckpointState, IDisposable
{
    private readonly double _decay;
    private readonly (string Name, Tensor Weight, Tensor Average)[] _weights;

    /// <summary>An average that begins with the weights as they are.</summary>
    /// <param name="model">The network.</param>
    /// <param name="decay">The decay of each step, from 0 to below 1.</param>
    public WeightAverage(nn.Module model, double decay)
    {
        _decay = decay;
        _weights = [.. model.named_parameters().Select(named =>
            (named.name, (Tensor)named.parameter, named.parameter.detach().clone().DetachFromDisposeScope()))];
    }

    /// <summary>Takes the weights of a step in.</summary>
    public void Update()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach ((_, Tensor weight, Tensor average) in _weights)
            average.mul_(_decay).add_(weight, 1 - _decay);
    }

    /// <summary>Begins anew with the weights as they are.</summary>
    public void Reset()
    {
        using var noGrad = no_grad();
        foreach ((_, Tensor weight, Tensor average) in _weights)
            average.copy_(weight);
    }

    /// <summary>Exchanges the network's weights and their averages; a second call brings both back.</summary>
    public void Swap()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach ((_, Tensor weight, Tensor average) in _weights)
        {
            Tensor kept = weight.detach().clone();
            weight.copy_(average);
            average.copy_(kept);
        }
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        draft.AddFile(Checkpoint.AverageFile);
        foreach ((string name, _, Tensor average) in _weights)
            draft.Add(Checkpoint.AverageFile, name, average);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        using SafeTensorsReader file = archive.OpenTensors(Checkpoint.AverageFile);
        foreach ((string name, _, Tensor average) in _weights)
            archive.CopyTo(file, name, average);
    }

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former)
    {
        if (former.Has(Checkpoint.AverageFile))
            Load(former);
        else
            Reset();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, _, Tensor average) in _weights)
            average.Dispose();
    }
}
