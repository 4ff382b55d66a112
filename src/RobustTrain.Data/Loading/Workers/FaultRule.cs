namespace RobustTrain.Data.Loading.Workers;

/// <summary>When a fault happens.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Probability">The probability for each sample; 0 where <paramref name="Index"/> says it.</param>
/// <param name="Index">The one sample that it happens to; null for any.</param>
/// <param name="EveryAttempt">Whether it happens at every attempt; otherwise only at the first.</param>
public readonly record struct FaultRule(FaultKind Kind, double Probability, int? Index, bool EveryAttempt);
