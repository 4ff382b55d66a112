using RobustTrain.Training.Configuration;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>What a step does to one of those that learn by it: the network, and what its loss brings along.</summary>
/// <param name="learner">What learns.</param>
/// <param name="schedule">Its learning rate.</param>
/// <param name="limits">How its gradient is clipped; null for not at all.</param>
internal sealed class LearnerStep(Learner learner, LearningRateSchedule schedule, TrainerConfig? limits = null) : IDisposable
{
    private readonly GradientClipping _clipping = new([.. learner.Learned.Select(named => named.Parameter)], limits?.ClipNorm, limits?.ClipAdaptive, limits?.ClipValue);
    private readonly BufferCopy _buffers = new(learner.Model);
    private double _norm;

    /// <summary>The learning rate of a step, before rollbacks have made it smaller.</summary>
    public double LearningRateAt(long globalStep) => schedule.At(globalStep);

    /// <summary>Begins a step: without a gradient, its buffers remembered.</summary>
    public void Begin()
    {
        learner.Model.zero_grad(set_to_none: true);
        _buffers.Take();
    }

    /// <summary>Makes the buffers what they were when the step began.</summary>
    public void Restore() => _buffers.Restore();

    /// <summary>Multiplies the gradient, and says what is wrong with it; null where nothing is.</summary>
    public NumericFailure? FindProblem(double correction)
    {
        if (correction != 1)
            _clipping.Scale(correction);
        _norm = _clipping.Norm();
        return double.IsFinite(_norm) ? null : new NumericFailure("The gradient is not finite", FaultSearch.InGradients(learner.Learned));
    }

    /// <summary>Changes the weights by the gradient.</summary>
    /// <param name="globalStep">The step.</param>
    /// <param name="factor">What the learning rate is multiplied by.</param>
    public void Update(long globalStep, double factor)
    {
        double learningRate = LearningRateAt(globalStep) * factor;
        foreach (var group in learner.Optimizer.ParamGroups)
            group.LearningRate = learningRate;
        _clipping.Apply(_norm);
        learner.Optimizer.step();
        learner.Average?.Update();
    }

    /// <inheritdoc/>
    public void Dispose() => _buffers.Dispose();
}

/// <summary>A copy of a network's buffers, so that the running statistics of a step that is left out leave no trace.</summary>
internal sealed class BufferCopy : IDisposable
{
    private readonly (Tensor Buffer, Tensor Copy)[] _buffers;

    /// <summary>Makes room for the buffers of <paramref name="model"/>.</summary>
    public BufferCopy(nn.Module model) =>
        _buffers = [.. model.named_buffers().Select(named => (named.buffer, named.buffer.detach().clone().DetachFromDisposeScope()))];

    /// <summary>Remembers the buffers as they are.</summary>
    public void Take()
    {
        using var noGrad = no_grad();
        foreach ((Tensor buffer, Tensor copy) in _buffers)
            copy.copy_(buffer);
    }

    /// <summary>Makes the buffers what they were.</summary>
    public void Restore()
    {
        using var noGrad = no_grad();
        foreach ((Tensor buffer, Tensor copy) in _buffers)
            buffer.copy_(copy);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, Tensor copy) in _buffers)
            copy.Dispose();
    }
}
