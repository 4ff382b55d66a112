# Writes into a published module what is derived from its own declarations: configuration.schema.json, which editors and completion read, and
# the help of its cmdlets. A page in docs/cmdlets says what a cmdlet and its parameters are for; all else about a parameter is read from the
# module, and a parameter that sets a key of the configuration begins with the key's own text.
param([Parameter(Mandatory)] [string] $ModulePath)
$ErrorActionPreference = 'Stop'
$ModulePath = Convert-Path -LiteralPath $ModulePath

$executable = Get-Item (Join-Path $ModulePath 'host/robusttrain*') -Include robusttrain, robusttrain.exe
$schemaText = (& $executable config schema) -join "`n"
if ($LASTEXITCODE -ne 0) { throw "'$executable config schema' ended with exit code $LASTEXITCODE." }
Set-Content (Join-Path $ModulePath configuration.schema.json) $schemaText
$schema = $schemaText | ConvertFrom-Json -AsHashtable
Import-Module (Join-Path $ModulePath RobustTrain.psd1) -Force

$ordinary = [Management.Automation.Cmdlet]::CommonParameters
$shouldProcess = @{ WhatIf = 'Says what would be done, and does nothing.'; Confirm = 'Asks before it is done.' }

function ConvertTo-Xml([string] $Text) { [Security.SecurityElement]::Escape($Text) }

function ConvertTo-Paragraph([string] $Text) {
    ($Text.Trim() -split '\n\s*\n').ForEach({ "<maml:para>$(ConvertTo-Xml ($_ -replace '`([^`]+)`', '$1'))</maml:para>" }) -join ''
}

# The sections of a page by their headings, which begin with so many signs.
function Get-PageSection([string] $Text, [string] $Signs) {
    $sections = [ordered] @{}
    foreach ($match in [regex]::Matches($Text, "(?ms)^$Signs (?<name>[^\n]+)\n(?<text>.*?)(?=^$Signs |\z)")) {
        $sections[$match.Groups['name'].Value.Trim()] = $match.Groups['text'].Value.Trim()
    }
    $sections
}

# The text of the key that a parameter sets; nothing where it sets none.
function Get-KeyText([type] $Cmdlet, [string] $Parameter) {
    $attribute = $Cmdlet.GetProperty($Parameter)?.CustomAttributes.Where({ $_.AttributeType.Name -eq 'ConfigurationKeyAttribute' })
    if (-not $attribute) { return }
    $key = $schema
    foreach ($name in $attribute[0].ConstructorArguments[0].Value.Split('.')) { $key = $key.properties[$name] }
    $default = $null -eq $key.default -or '' -eq $key.default -or $key.default -is [bool] ? '' : " By default $($key.default -join ', ')."
    "$($key.description)$default"
}

function Get-Parameter($Parameter, [string] $Text) {
    $from = foreach ($kind in @{ ValueFromPipeline = 'ByValue' }, @{ ValueFromPipelineByPropertyName = 'ByPropertyName' }) {
        if ($Parameter."$($kind.Keys)") { $kind.Values }
    }
    $type = [Nullable]::GetUnderlyingType($Parameter.ParameterType) ?? $Parameter.ParameterType
    $attributes = @(
        "required=""$("$($Parameter.IsMandatory)".ToLowerInvariant())"""
        "globbing=""$(($Parameter.Attributes.TypeId.Name -contains 'SupportsWildcardsAttribute') ? 'true' : 'false')"""
        "pipelineInput=""$($from ? "True ($($from -join ', '))" : 'False')"""
        "position=""$($Parameter.Position -lt 0 ? 'named' : $Parameter.Position)"""
        "aliases=""$($Parameter.Aliases ? ($Parameter.Aliases -join ', ') : 'none')"""
    )
    "<command:parameter $($attributes -join ' ')><maml:name>$($Parameter.Name)</maml:name>"
    if ($Text) { "<maml:description>$(ConvertTo-Paragraph $Text)</maml:description>" }
    if ($type -ne [switch]) { "<command:parameterValue required=""true"">$(ConvertTo-Xml $type.Name)</command:parameterValue>" }
    '</command:parameter>'
}

function Get-TypeItem([string] $Section, [string] $Element) {
    [regex]::Matches($Section, '(?m)^- (.+)$').ForEach({ "<command:$Element><dev:type><maml:name>$(ConvertTo-Xml $_.Groups[1].Value)</maml:name></dev:type></command:$Element>" })
}

function Get-CommandHelp($Command) {
    $page = Get-Content -Raw (Join-Path $PSScriptRoot "../docs/cmdlets/$($Command.Name).md")
    $sections = Get-PageSection $page '##'
    $own = Get-PageSection $sections['Parameters'] '###'
    $text = @{}
    foreach ($name in $Command.Parameters.Keys.Where({ $_ -notin $ordinary })) {
        $text[$name] = (@((Get-KeyText $Command.ImplementingType $name), $own["-$name"]).Where({ $_ }) -join ' ')
        if ($shouldProcess[$name]) { $text[$name] = $shouldProcess[$name] }
        if (-not $text[$name]) { throw "docs/cmdlets/$($Command.Name).md says nothing of -$name." }
    }
    foreach ($name in $own.Keys) {
        if (-not $text.ContainsKey($name.TrimStart('-'))) { throw "docs/cmdlets/$($Command.Name).md tells of $name, which $($Command.Name) does not have." }
    }

    $sets = foreach ($set in $Command.ParameterSets) { , $set.Parameters.Where({ $_.Name -notin $ordinary }) }
    '<command:command><command:details>'
    "<command:name>$($Command.Name)</command:name><command:verb>$($Command.Verb)</command:verb><command:noun>$($Command.Noun)</command:noun>"
    "<maml:description>$(ConvertTo-Paragraph ($page -replace '(?s)^#[^\n]*\n(.*?)\n##.*', '$1'))</maml:description></command:details>"
    "<maml:description>$(ConvertTo-Paragraph $sections['Description'])</maml:description><command:syntax>"
    foreach ($set in $sets) {
        "<command:syntaxItem><maml:name>$($Command.Name)</maml:name>"
        foreach ($parameter in $set) { Get-Parameter $parameter '' }
        '</command:syntaxItem>'
    }
    '</command:syntax><command:parameters>'
    foreach ($parameters in $sets | ForEach-Object { $_ } | Group-Object Name) { Get-Parameter $parameters.Group[0] $text[$parameters.Name] }
    '</command:parameters><command:inputTypes>'
    Get-TypeItem $sections['Inputs'] inputType
    '</command:inputTypes><command:returnValues>'
    Get-TypeItem $sections['Outputs'] returnValue
    '</command:returnValues><command:examples>'
    $number = 0
    foreach ($example in [regex]::Matches($sections['Examples'], '(?s)```powershell\n(?<code>.*?)\n```\n(?<remarks>.*?)(?=```powershell|\z)')) {
        "<command:example><maml:title>Example $((++$number))</maml:title><dev:code>$(ConvertTo-Xml $example.Groups['code'].Value)</dev:code>"
        "<dev:remarks>$(ConvertTo-Paragraph $example.Groups['remarks'].Value)</dev:remarks></command:example>"
    }
    '</command:examples></command:command>'
}

$help = @(
    '<?xml version="1.0" encoding="utf-8"?>'
    '<helpItems schema="maml" xmlns="http://msh" xmlns:maml="http://schemas.microsoft.com/maml/2004/10"'
    'xmlns:command="http://schemas.microsoft.com/maml/dev/command/2004/10" xmlns:dev="http://schemas.microsoft.com/maml/dev/2004/10">'
    foreach ($command in Get-Command -Module RobustTrain -CommandType Cmdlet | Sort-Object Name) { Get-CommandHelp $command }
    '</helpItems>'
) -join "`n"
$null = [xml] $help
$null = New-Item -ItemType Directory -Force (Join-Path $ModulePath en-US)
Set-Content (Join-Path $ModulePath en-US/RobustTrain.Cmdlets.dll-Help.xml) $help
